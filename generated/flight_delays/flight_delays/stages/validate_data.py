"""Stage validate_data, from cells 10 and 11 of the notebook."""

import pandas as pd


def validate_data(
    flights: pd.DataFrame,
    weather: pd.DataFrame,
    planes: pd.DataFrame,
    *,
    REQUIRED_FLIGHTS: list[str],
    REQUIRED_WEATHER: list[str],
    REQUIRED_PLANES: list[str],
    AIRPORTS: list[str],
) -> None:
    """Is the data what we think it is?

    Keys must be there, codes must be known, numbers must be possible. Whatever fails here would
    quietly spoil the features.
    """
    assert set(REQUIRED_FLIGHTS) <= set(flights.columns)
    assert set(REQUIRED_WEATHER) <= set(weather.columns)
    assert set(REQUIRED_PLANES) <= set(planes.columns)
    assert len(flights) > 100_000

    for column in ["carrier", "dest", "flight", "time_hour", "sched_arr_time"]:
        assert flights[column].notna().all(), f"{column} has gaps"

    assert flights["origin"].isin(AIRPORTS).all()
    assert flights["month"].between(1, 12).all()
    assert flights["day"].between(1, 31).all()
    assert flights["hour"].between(0, 23).all()
    assert flights["minute"].between(0, 59).all()
    assert flights["sched_dep_time"].between(0, 2400).all()
    assert (flights["distance"] > 0).all()
    assert flights["arr_delay"].dropna().between(-180, 2880).all()

    assert weather["origin"].isin(AIRPORTS).all()
    assert weather["time_hour"].notna().all()
    assert weather["humid"].dropna().between(0, 100).all()
    assert weather["temp"].dropna().between(-40, 120).all()
    assert (weather["precip"] >= 0).all()

    assert planes["tailnum"].is_unique
    assert planes["tailnum"].notna().all()
    assert (planes["seats"] > 0).all()
