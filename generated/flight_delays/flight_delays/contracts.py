"""Contracts of what crosses from stage to stage. Yours to sharpen."""

import numpy as np
import pandas as pd
import pandera.pandas as pa
from mlflow.models import ModelSignature
from sklearn.ensemble import HistGradientBoostingClassifier

#: From the asserts of cell 10.
LOAD_DATA_FLIGHTS = pa.DataFrameSchema(
    {
        "year": pa.Column(nullable=True),
        "month": pa.Column(checks=pa.Check.in_range(1, 12), nullable=False),
        "day": pa.Column(checks=pa.Check.in_range(1, 31), nullable=False),
        "sched_dep_time": pa.Column(checks=pa.Check.in_range(0, 2400), nullable=False),
        "sched_arr_time": pa.Column(nullable=False),
        "arr_delay": pa.Column(checks=pa.Check.in_range(-180, 2880), nullable=True),
        "carrier": pa.Column(nullable=False),
        "flight": pa.Column(nullable=False),
        "tailnum": pa.Column(nullable=True),
        "origin": pa.Column(checks=pa.Check.isin(["EWR", "JFK", "LGA"]), nullable=False),
        "dest": pa.Column(nullable=False),
        "distance": pa.Column(checks=pa.Check.gt(0), nullable=False),
        "hour": pa.Column(checks=pa.Check.in_range(0, 23), nullable=False),
        "minute": pa.Column(checks=pa.Check.in_range(0, 59), nullable=False),
        "time_hour": pa.Column(nullable=False),
    },
    checks=[pa.Check(lambda table: len(table) > 100000, error="more than 100000 rows")],
    name="flights",
)

#: From the asserts of cell 10, 11.
LOAD_DATA_WEATHER = pa.DataFrameSchema(
    {
        "origin": pa.Column(checks=pa.Check.isin(["EWR", "JFK", "LGA"]), nullable=False),
        "time_hour": pa.Column(nullable=False),
        "temp": pa.Column(checks=pa.Check.in_range(-40, 120), nullable=True),
        "humid": pa.Column(checks=pa.Check.in_range(0, 100), nullable=True),
        "wind_speed": pa.Column(nullable=True),
        "precip": pa.Column(checks=pa.Check.ge(0), nullable=False),
        "pressure": pa.Column(nullable=True),
        "visib": pa.Column(nullable=True),
    },
    name="weather",
)

#: From the asserts of cell 10, 11.
LOAD_DATA_PLANES = pa.DataFrameSchema(
    {
        "tailnum": pa.Column(nullable=False, unique=True),
        "year": pa.Column(nullable=True),
        "engines": pa.Column(nullable=True),
        "seats": pa.Column(checks=pa.Check.gt(0), nullable=False),
    },
    name="planes",
)

#: Types of the artifacts, where the notebook's code tells them.
TYPES: dict[str, object] = {
    "load_data.flights": pd.DataFrame,
    "load_data.planes": pd.DataFrame,
    "load_data.weather": pd.DataFrame,
    "transform.X_test": pd.DataFrame,
    "transform.X_train": pd.DataFrame,
    "transform.features": list[str],
    "transform.test_rows": pd.DataFrame,
    "transform.y_test": np.ndarray,
    "transform.y_train": np.ndarray,
    "train.model": HistGradientBoostingClassifier,
    "evaluate.metrics": dict[str, float],
    "evaluate.slices": dict[str, dict],
    "package.input_example": pd.DataFrame,
    "package.signature": ModelSignature,
}
