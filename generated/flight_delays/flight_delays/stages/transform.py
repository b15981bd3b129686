"""Stage transform, from cells 16, 17 and 18 of the notebook."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from flight_delays.helpers import minutes_since_midnight


@dataclass(frozen=True)
class TransformOutputs:
    """What the stage transform hands on."""

    X_test: pd.DataFrame
    X_train: pd.DataFrame
    features: list[str]
    test_rows: pd.DataFrame
    y_test: np.ndarray
    y_train: np.ndarray


def transform(
    flights: pd.DataFrame,
    weather: pd.DataFrame,
    planes: pd.DataFrame,
    *,
    late_after_minutes: int,
    test_from: str,
    categorical: list[str],
    numeric: list[str],
    dropna_subset: list[str],
    wind_speed_threshold: int,
    drop_duplicates_subset: list[str],
    merge_on: list[str],
    hourly_columns: list[str],
    planes_columns: list[str],
    table_columns: list[str],
    column_names: list[str],
) -> TransformOutputs:
    """Features.

    Only what is known the evening before: the schedule, the route, the plane, and the weather
    (here the observed weather stands in for the forecast). One wind speed of 1,048 mph is a
    broken sensor.
    """
    # what is scheduled from the same airport in the same hour competes for the runway, cancelled or not
    flights["departures_in_hour"] = flights.groupby(["origin", "time_hour"])["flight"].transform(
        "size"
    )
    flown = flights.dropna(subset=dropna_subset)
    weather["wind_speed"] = weather["wind_speed"].where(
        weather["wind_speed"] < wind_speed_threshold
    )
    hourly = weather.drop_duplicates(subset=drop_duplicates_subset)

    table = flown.merge(
        hourly[hourly_columns],
        on=merge_on,
        how="left",
    )
    table = table.merge(
        planes[planes_columns].rename(columns={"year": "built"}), on="tailnum", how="left"
    )
    print(
        f"{table['temp'].isna().mean():.1%} of flights without weather, {table['built'].isna().mean():.1%} without a plane"
    )

    table["date"] = pd.to_datetime(table[table_columns])
    table["weekday"] = table["date"].dt.day_of_week
    table["departure"] = minutes_since_midnight(table["sched_dep_time"])
    table["arrival"] = minutes_since_midnight(table["sched_arr_time"])
    table["plane_age"] = table["year"] - table["built"]
    table["late"] = (table["arr_delay"] > late_after_minutes).astype(int)

    # fill gaps with what was usual before the cut-off: the test months must not tell
    known = table[table["date"] < test_from]
    for column in column_names:
        table[column] = table[column].fillna(known[column].median())
    table["precip"] = table["precip"].fillna(0.0)

    features = numeric + categorical
    for column in categorical:
        table[column] = table[column].astype("category")

    # the future must not leak into the past: split by time
    cutoff = pd.Timestamp(test_from)
    train_rows = table[table["date"] < cutoff]
    test_rows = table[table["date"] >= cutoff]
    X_train, y_train = train_rows[features], train_rows["late"].to_numpy()
    X_test, y_test = test_rows[features], test_rows["late"].to_numpy()
    print(
        X_train.shape,
        X_test.shape,
        f"late: {y_train.mean():.1%} before, {y_test.mean():.1%} after the cut-off",
    )
    return TransformOutputs(
        X_test=X_test,
        X_train=X_train,
        features=features,
        test_rows=test_rows,
        y_test=y_test,
        y_train=y_train,
    )
