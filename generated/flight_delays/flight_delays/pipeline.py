"""The definition of the pipeline flight_delays: what runs, in what order, and what may stop it."""

import warnings

import matplotlib.pyplot as plt
import pandas as pd
from nb2pipe.runtime import (
    DataQuality,
    Evaluation,
    Pipeline,
    Registration,
    RunOptions,
    Stage,
    run,
    step,
)

from flight_delays.contracts import LOAD_DATA_FLIGHTS, LOAD_DATA_PLANES, LOAD_DATA_WEATHER
from flight_delays.stages.evaluate import evaluate
from flight_delays.stages.load_data import load_data
from flight_delays.stages.package import package
from flight_delays.stages.train import train
from flight_delays.stages.transform import transform
from flight_delays.stages.validate_data import validate_data

__all__ = ["PIPELINE", "RunOptions", "run", "step"]


def notebook_settings() -> None:
    """Process settings that the notebook makes in its setup cells; made again before each stage that they reach."""
    warnings.filterwarnings("ignore", category=FutureWarning)
    warnings.filterwarnings("ignore", message="Hint: Inferred schema")
    pd.set_option("display.max_columns", 40)
    plt.rcParams["figure.figsize"] = (6, 3.2)
    plt.rcParams["figure.dpi"] = 72


PIPELINE = Pipeline(
    name="flight_delays",
    stages=(
        Stage(
            load_data,
            kind="load_data",
            params={
                "flights_path": "load_data.read_csv.flights_path",
                "weather_path": "load_data.read_csv.weather_path",
                "planes_path": "load_data.read_csv.planes_path",
            },
            outputs=("flights", "planes", "weather"),
            settings=(notebook_settings,),
            cells=(7, 8),
        ),
        Stage(
            validate_data,
            kind="validate_data",
            inputs={
                "flights": "load_data.flights",
                "weather": "load_data.weather",
                "planes": "load_data.planes",
            },
            params={
                "REQUIRED_FLIGHTS": "setup.REQUIRED_FLIGHTS",
                "REQUIRED_WEATHER": "setup.REQUIRED_WEATHER",
                "REQUIRED_PLANES": "setup.REQUIRED_PLANES",
                "AIRPORTS": "setup.AIRPORTS",
            },
            settings=(notebook_settings,),
            cells=(10, 11),
        ),
        Stage(
            transform,
            kind="transform",
            inputs={
                "flights": "load_data.flights",
                "weather": "load_data.weather",
                "planes": "load_data.planes",
            },
            params={
                "late_after_minutes": "parameters.late_after_minutes",
                "test_from": "parameters.test_from",
                "categorical": "transform.categorical",
                "numeric": "transform.numeric",
                "dropna_subset": "transform.dropna.subset",
                "wind_speed_threshold": "transform.wind_speed_threshold",
                "drop_duplicates_subset": "transform.drop_duplicates.subset",
                "merge_on": "transform.merge.on",
                "hourly_columns": "transform.hourly_columns",
                "planes_columns": "transform.planes_columns",
                "table_columns": "transform.table_columns",
                "column_names": "transform.column_names",
            },
            outputs=("X_test", "X_train", "features", "test_rows", "y_test", "y_train"),
            shared=(("test_rows", "y_test"),),
            settings=(notebook_settings,),
            after=("validate_data",),
            cells=(16, 17, 18),
        ),
        Stage(
            train,
            kind="train",
            inputs={"X_train": "transform.X_train", "y_train": "transform.y_train"},
            params={
                "seed": "parameters.seed",
                "learning_rate": "train.hist_gradient_boosting_classifier.learning_rate",
                "max_iter": "train.hist_gradient_boosting_classifier.max_iter",
                "max_leaf_nodes": "train.hist_gradient_boosting_classifier.max_leaf_nodes",
                "min_samples_leaf": "train.hist_gradient_boosting_classifier.min_samples_leaf",
                "l2_regularization": "train.hist_gradient_boosting_classifier.l2_regularization",
                "categorical_features": "train.hist_gradient_boosting_classifier.categorical_features",
            },
            outputs=("model",),
            settings=(notebook_settings,),
            cells=(20,),
        ),
        Stage(
            evaluate,
            kind="evaluate",
            inputs={
                "X_test": "transform.X_test",
                "model": "train.model",
                "y_test": "transform.y_test",
                "test_rows": "transform.test_rows",
            },
            params={"decision_threshold": "evaluate.decision_threshold"},
            outputs=("metrics", "slices"),
            metrics=("metrics", "slices"),
            settings=(notebook_settings,),
            cells=(22, 23, 24, 25),
        ),
        Stage(
            package,
            kind="package",
            inputs={
                "X_test": "transform.X_test",
                "model": "train.model",
                "features": "transform.features",
                "metrics": "evaluate.metrics",
            },
            params={
                "decision_threshold": "evaluate.decision_threshold",
                "late_after_minutes": "parameters.late_after_minutes",
                "test_from": "parameters.test_from",
                "artifacts": "package.artifacts",
            },
            outputs=("input_example", "signature"),
            settings=(notebook_settings,),
            cells=(27,),
        ),
    ),
    gates=(
        DataQuality(
            before="validate_data",
            schemas={
                "load_data.flights": LOAD_DATA_FLIGHTS,
                "load_data.weather": LOAD_DATA_WEATHER,
                "load_data.planes": LOAD_DATA_PLANES,
            },
        ),
        Evaluation(after="evaluate"),
    ),
    registration=Registration(
        model="train.model", signature="package.signature", example="package.input_example"
    ),
    data_files=(
        "load_data.read_csv.flights_path",
        "load_data.read_csv.weather_path",
        "load_data.read_csv.planes_path",
    ),
)
