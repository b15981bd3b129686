"""The definition of the pipeline digits_torch: what runs, in what order, and what may stop it."""

import matplotlib.pyplot as plt
import torch
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

from digits_torch.stages.evaluate import evaluate
from digits_torch.stages.load_data import load_data
from digits_torch.stages.package import package
from digits_torch.stages.setup import setup
from digits_torch.stages.train import train
from digits_torch.stages.transform import transform
from digits_torch.stages.validate_data import validate_data

__all__ = ["PIPELINE", "RunOptions", "run", "step"]


def notebook_settings() -> None:
    """Process settings that the notebook makes in its setup cells; made again before each stage that they reach."""
    plt.rcParams["figure.dpi"] = 72
    torch.set_num_threads(1)


PIPELINE = Pipeline(
    name="digits_torch",
    stages=(
        Stage(
            setup,
            kind="custom",
            params={"seed": "parameters.seed"},
            outputs=("device",),
            settings=(notebook_settings,),
            saves_random_state=True,
            cells=(4,),
        ),
        Stage(
            load_data,
            kind="load_data",
            outputs=("images", "labels"),
            shared=(("images", "labels"),),
            settings=(notebook_settings,),
            cells=(8,),
        ),
        Stage(
            validate_data,
            kind="validate_data",
            inputs={"images": "load_data.images", "labels": "load_data.labels"},
            settings=(notebook_settings,),
            random_state="setup",
            saves_random_state=True,
            cells=(11,),
        ),
        Stage(
            transform,
            kind="transform",
            inputs={"images": "load_data.images", "labels": "load_data.labels"},
            params={
                "seed": "parameters.seed",
                "test_size": "transform.train_test_split.test_size",
                "train_test_split_2_test_size": "transform.train_test_split_2.test_size",
            },
            outputs=("x_test", "x_train", "x_val", "y_test", "y_train", "y_val"),
            settings=(notebook_settings,),
            random_state="validate_data",
            saves_random_state=True,
            cells=(13,),
        ),
        Stage(
            train,
            kind="train",
            inputs={
                "x_train": "transform.x_train",
                "y_train": "transform.y_train",
                "x_val": "transform.x_val",
                "y_val": "transform.y_val",
                "device": "setup.device",
            },
            params={
                "learning_rate": "parameters.learning_rate",
                "epochs": "parameters.epochs",
                "patience": "parameters.patience",
                "train_loader_batch_size": "train.train_loader.batch_size",
                "train_loader_shuffle": "train.train_loader.shuffle",
                "val_loader_batch_size": "train.val_loader.batch_size",
                "weight_decay": "train.adam.weight_decay",
                "step_size": "train.step_lr.step_size",
                "gamma": "train.step_lr.gamma",
            },
            outputs=("criterion", "model"),
            shared=(("criterion", "model"),),
            settings=(notebook_settings,),
            random_state="transform",
            saves_random_state=True,
            cells=(15, 16, 17),
        ),
        Stage(
            evaluate,
            kind="evaluate",
            inputs={
                "x_test": "transform.x_test",
                "y_test": "transform.y_test",
                "device": "setup.device",
                "model": "train.model",
                "criterion": "train.criterion",
            },
            params={"batch_size": "evaluate.data_loader.batch_size"},
            outputs=("metrics", "model", "recall_by_digit"),
            metrics=("metrics", "recall_by_digit"),
            settings=(notebook_settings,),
            random_state="train",
            saves_random_state=True,
            cells=(19, 20, 21),
        ),
        Stage(
            package,
            kind="package",
            inputs={
                "x_test": "transform.x_test",
                "model": "evaluate.model",
                "metrics": "evaluate.metrics",
            },
            params={
                "seed": "parameters.seed",
                "artifacts_path": "package.path.artifacts_path",
                "digits_path": "package.save.digits_path",
                "open_digits_path": "package.open.digits_path",
            },
            outputs=("input_example", "signature"),
            settings=(notebook_settings,),
            random_state="evaluate",
            cells=(23,),
        ),
    ),
    gates=(
        DataQuality(before="validate_data"),
        Evaluation(after="evaluate"),
    ),
    registration=Registration(
        model="evaluate.model", signature="package.signature", example="package.input_example"
    ),
)
