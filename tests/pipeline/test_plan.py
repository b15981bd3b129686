"""Stages, what crosses between them, and who continues whose random numbers."""

from __future__ import annotations

import pytest

from nb2pipe.pipeline import Pipeline
from tests.pipeline.conftest import MakePipeline

LOAD, TRANSFORM, TRAIN, EVALUATE = (
    f'# %% tags=["stage:{s}"]\n' for s in ("load_data", "transform", "train", "evaluate")
)


def crossing(pipeline: Pipeline) -> dict[str, tuple[str, str]]:
    """Stage -> its inputs and outputs, as words."""
    return {s.name: (" ".join(s.inputs.values()), " ".join(a.name for a in s.outputs)) for s in pipeline.stages}


CROSSINGS = [
    (
        "read later",
        f"{LOAD}x = list('ab')\ny = 2\n{TRANSFORM}z = x\n",
        {"load_data": ("", "x"), "transform": ("load_data.x", "")},
    ),
    (
        "changed through an alias",
        f"{LOAD}x = [1]\ny = x\n{TRANSFORM}x.append(2)\n{TRAIN}print(y)\n",
        {
            "load_data": ("", "x y"),
            "transform": ("load_data.x load_data.y", "y"),
            "train": ("transform.y", ""),
        },
    ),
    (
        "bound again",
        f"{LOAD}x = [1]\n{TRANSFORM}x = 2\n{TRAIN}print(x)\n",
        {"load_data": ("", ""), "transform": ("", "x"), "train": ("transform.x", "")},
    ),
    (
        "bound on some path",
        f"{LOAD}x = 1\nx = x + 1\n{TRANSFORM}if x:\n    x = 2\n{TRAIN}print(x)\n",
        {"load_data": ("", "x"), "transform": ("load_data.x", "x"), "train": ("transform.x", "")},
    ),
    (
        "changed by a helper",
        f"# %%\nseen = []\ndef see(x):\n    seen.append(x)\n{LOAD}see(1)\n{TRAIN}print(seen)\n",
        {"setup": ("", "seen"), "load_data": ("setup.seen", "seen"), "train": ("load_data.seen", "")},
    ),
    (
        "loop over several",
        f"{LOAD}a, b = [1], [2]\n{TRANSFORM}for d in [a, b]:\n    d.append(3)\n{TRAIN}print(a, b)\n",
        {
            "load_data": ("", "a b"),
            "transform": ("load_data.a load_data.b", "a b"),
            "train": ("transform.a transform.b", ""),
        },
    ),
]


@pytest.mark.parametrize(("notebook", "expected"), [row[1:] for row in CROSSINGS], ids=[row[0] for row in CROSSINGS])
def test_what_crosses(notebook: str, expected: dict[str, tuple[str, str]], pipeline_of: MakePipeline) -> None:
    assert crossing(pipeline_of(notebook)) == expected


def test_what_shares_objects_is_stored_together(pipeline_of: MakePipeline) -> None:
    imports = "# %%\nimport torch\n"
    made = f"{LOAD}model = torch.nn.Linear(2, 1)\nstep = torch.optim.SGD(model.parameters(), lr=0.1)\nn = 3\n"
    pipeline = pipeline_of(f"{imports}{made}{TRAIN}step.step()\nprint(model, n)\n")
    load = pipeline.stages[0]
    assert load.shared == (("model", "step"),)


def test_a_stage_that_comes_back_is_a_further_stage(pipeline_of: MakePipeline) -> None:
    pipeline = pipeline_of(f"{TRAIN}w = [1]\n{EVALUATE}e = len(w)\n{TRAIN}w.append(e)\n{EVALUATE}f = len(w)\n")
    assert [(s.name, s.kind) for s in pipeline.stages] == [
        ("train", "train"),
        ("evaluate", "evaluate"),
        ("train_2", "train"),
        ("evaluate_2", "evaluate"),
    ]


def test_kinds_are_the_longest_canonical_prefix(pipeline_of: MakePipeline) -> None:
    tags = ("train_xgb", "trainer", "load_data_again", "report")
    pipeline = pipeline_of("".join(f'# %% tags=["stage:{tag}"]\nx = 1\n' for tag in tags))
    assert [s.kind for s in pipeline.stages] == ["train", "custom", "load_data", "custom"]


def test_random_numbers_continue_from_the_first_seed_on(pipeline_of: MakePipeline) -> None:
    pipeline = pipeline_of(
        f"# %%\nimport random\n{LOAD}x = random.random()\n{TRANSFORM}random.seed(1)\n{TRAIN}n = len([x])\n"
        f"{EVALUATE}y = random.random()\n"
    )
    chain = {s.name: (s.random_state, s.saves_random_state) for s in pipeline.stages}
    assert chain == {
        "load_data": (None, False),
        "transform": (None, True),
        "train": (None, False),
        "evaluate": ("transform", False),
    }


def test_settings_are_made_again_in_later_stages(pipeline_of: MakePipeline) -> None:
    pipeline = pipeline_of(
        f"# %%\nimport warnings\nwarnings.simplefilter('ignore')\n{LOAD}x = 1\nx += 1\n"
        f"{TRANSFORM}warnings.simplefilter('error')\ny = x\n{TRAIN}print(y)\n"
    )
    assert {s.name: s.settings for s in pipeline.stages} == {
        "load_data": ("notebook_settings",),
        "transform": ("notebook_settings",),
        "train": ("notebook_settings", "settings_of_transform"),
    }


def test_nothing_starts_before_the_gate_above_it_has_decided(pipeline_of: MakePipeline) -> None:
    validate = '# %% tags=["stage:validate_data"]\nassert len(x) > 1\n'
    pipeline = pipeline_of(f"{LOAD}x = [1, 2]\n{validate}{TRAIN}m = sum(x)\n{EVALUATE}e = m + 1.5\n")
    assert {s.name: s.after for s in pipeline.stages}["train"] == ("validate_data",)
    assert (pipeline.data_gate_before, pipeline.evaluation_gate_after) == ("validate_data", "evaluate")


PLACES = [
    ("reads nothing", "def f(x):\n    return x", "f(1)", "f", None),
    ("reads a constant", "LIMIT = 3\ndef f(x):\n    return x < LIMIT", "f(1)", "LIMIT f", None),
    ("reads a variable", "def f(x):\n    return x * k", "f(1)", "f", "f(1, k=k)"),
    ("is handed on", "def f(x):\n    return x * k", "list(map(f, [1]))", "", None),
    ("binds a variable", "def f():\n    global k\n    k += 1", "f()", "", None),
]


@pytest.mark.parametrize(
    ("definition", "use", "helpers", "call"), [row[1:] for row in PLACES], ids=[row[0] for row in PLACES]
)
def test_where_functions_go(
    definition: str, use: str, helpers: str, call: str | None, pipeline_of: MakePipeline
) -> None:
    from nb2pipe.emit.stages import stage_module

    pipeline = pipeline_of(f"# %%\n{definition}\n{LOAD}k = len('ab')\n{TRAIN}v = {use}\nprint(v, k)\n")
    assert " ".join(pipeline.helpers.names) == helpers
    module = stage_module(pipeline.stages[-1], pipeline)
    assert (call or use) in module
    assert ("    def f(" in module) is (not helpers)


def test_the_model_is_what_is_trained_and_packaged(pipeline_of: MakePipeline) -> None:
    pipeline = pipeline_of(
        "# %%\nimport pandas as pd\nfrom sklearn.preprocessing import StandardScaler\n"
        "from sklearn.linear_model import Ridge\nfrom mlflow.models import infer_signature\n"
        f"{LOAD}X = pd.DataFrame({{'a': [1.0, 2.0]}})\n{TRAIN}scaler = StandardScaler().fit(X)\n"
        'model = Ridge().fit(X, X["a"])\n# %% tags=["stage:package"]\n'
        "signature = infer_signature(X, model.predict(X))\n"
    )
    assert pipeline.registration is not None
    assert pipeline.registration.model == "train.model"
    assert pipeline.registration.signature == "package.signature"
    assert pipeline.registration.example == "load_data.X"
