"""The definition."""

from handmade.contracts import NUMBERS
from handmade.settings import settings
from handmade.stages.aside import aside
from handmade.stages.fit import fit
from handmade.stages.judge import judge
from handmade.stages.load import load
from handmade.stages.report import report
from handmade.stages.split import split
from nb2pipe.runtime import DataQuality, Evaluation, Pipeline, Stage

PIPELINE = Pipeline(
    name="handmade",
    stages=(
        Stage(
            load,
            kind="load_data",
            params={"path": "load.path", "seed": "load.seed"},
            outputs=("numbers",),
            settings=(settings,),
            saves_random_state=True,
            cells=(2,),
        ),
        Stage(
            split,
            kind="transform",
            inputs={"numbers": "load.numbers"},
            params={"share": "split.share", "columns": "split.columns"},
            outputs=("train", "scaler", "draws", "view"),
            shared=(("train", "scaler"), ("draws", "view")),
            settings=(settings,),
            random_state="load",
            saves_random_state=True,
            cells=(4,),
        ),
        Stage(
            fit,
            kind="train",
            inputs={
                "table": "split.train",
                "scaler": "split.scaler",
                "draws": "split.draws",
                "view": "split.view",
            },
            params={
                "rate": "fit.rate",
                "steps": "fit.steps",
                "options": "fit.options",
                "behaviour": "fit.behaviour",
            },
            outputs=("model", "draw", "same", "counted", "leftover"),
            settings=(settings,),
            random_state="split",
            saves_random_state=True,
            cells=(5,),
        ),
        Stage(aside, kind="custom", inputs={"numbers": "load.numbers"}, outputs=("rows",), metrics=("rows",)),
        Stage(
            judge,
            kind="evaluate",
            inputs={"model": "fit.model", "draw": "fit.draw"},
            outputs=("metrics", "final"),
            metrics=("metrics",),
            random_state="fit",
            cells=(7,),
        ),
        Stage(report, kind="package", inputs={"metrics": "judge.metrics"}, cells=(8,)),
    ),
    gates=(
        DataQuality(before="split", schemas={"load.numbers": NUMBERS}),
        Evaluation(after="judge"),
    ),
    data_files=("load.path",),
)
