"""What crosses between stages, with its reasons; and that it is what the pipeline really hands on."""

from __future__ import annotations

from pathlib import Path

import pytest

from nb2pipe.convert import explained, planned
from nb2pipe.explain import Explanation
from tests.explain.conftest import Explain

ROOT = Path(__file__).resolve().parents[2]


def reasons(found: Explanation, name: str, target: str | None) -> list[str]:
    return [r for c in found.crossings if (c.name, c.target) == (name, target) for r in c.reasons]


def test_bound_here_read_there(explanation_of: Explain) -> None:
    found = explanation_of('# %% tags=["stage:load_data"]\nx = list("ab")\n# %% tags=["stage:train"]\ny = 1\nz = x\n')
    assert reasons(found, "x", "train") == ["bound in cell 1, line 1", "read by `train` in cell 2, line 2"]


def test_read_through_a_helper(explanation_of: Explain) -> None:
    percent = (
        "# %%\ndef f():\n    return len(x)\n"
        '# %% tags=["stage:load_data"]\nx = list("ab")\n# %% tags=["stage:train"]\nprint(f())\n'
    )
    assert reasons(explanation_of(percent), "x", "train")[-1] == "read by `train` in cell 3, line 1, through `f`"


def test_mutated_through_an_alias(explanation_of: Explain) -> None:
    percent = """\
# %% tags=["stage:load_data"]
train, test = [[1]], [[2]]
# %% tags=["stage:transform"]
for d in [train, test]:
    d.append([3])
# %% tags=["stage:train"]
print(train, test)
"""
    found = explanation_of(percent)
    for name in ("train", "test"):
        assert reasons(found, name, "train")[0] == "mutated through alias `d` in cell 2, line 2: `append` called on it"


def test_shared_with_what_is_changed(explanation_of: Explain) -> None:
    percent = """\
# %% tags=["stage:load_data"]
inner = [1]
outer = {"k": inner}
# %% tags=["stage:transform"]
inner.append(2)
# %% tags=["stage:train"]
print(outer)
"""
    assert reasons(explanation_of(percent), "outer", "train")[0] == (
        "may share an object with `inner`, which `transform` changes (cell 2, line 1: `append` called on it)"
    )


def test_what_a_function_binds_through_global(explanation_of: Explain) -> None:
    percent = """\
# %%
n = 0
def count():
    global n
    n += 1
# %% tags=["stage:load_data"]
count()
# %% tags=["stage:train"]
print(n)
"""
    found = explanation_of(percent)
    assert reasons(found, "n", "train")[0] == "bound in cell 2, line 1, by `count`"
    assert [cell.binds for cell in found.code_cells] == [("n",), ("n",), ()]


def test_what_functions_share_crosses_with_them(explanation_of: Explain) -> None:
    percent = """\
# %%
class Shift:
    def __call__(self, v):
        return v + by
# %% tags=["stage:load_data"]
by = int("2")
shift = Shift()
# %% tags=["stage:train"]
by += 1
print(shift(1))
# %% tags=["stage:evaluate"]
print(shift(1))
"""
    found = explanation_of(percent)
    assert found.converts, found.findings
    assert "lives in helpers.py, where functions share it" in reasons(found, "by", "evaluate")


def test_what_is_recorded_is_told(explanation_of: Explain) -> None:
    found = explanation_of('# %% tags=["stage:evaluate"]\nscore = 0.5\nscore = score * 2.0\n')
    assert reasons(found, "score", None)[-1] == "recorded as a metric of the run"


def test_random_state_settings_and_gates_are_noted(explanation_of: Explain) -> None:
    percent = """\
# %%
import random
import warnings
warnings.simplefilter("ignore")
# %% tags=["stage:load_data"]
random.seed(1)
# %% tags=["stage:train"]
x = random.random()
"""
    _, train = explanation_of(percent).stages
    assert train.notes == (
        "seeds or draws random numbers (cell 3, line 1), and continues the random state of `load_data`",
        "starts with the settings of cell 1",
    )


@pytest.mark.parametrize("name", ["flight_delays", "digits_torch"])
def test_the_stages_are_those_of_the_pipeline(name: str) -> None:
    path = ROOT / "notebooks" / f"{name}.ipynb"
    pipeline = planned(path, path.parent / name).pipeline
    found = explained(path)
    assert pipeline is not None
    for stage, view in zip(pipeline.stages, found.stages, strict=True):
        assert (view.name, view.kind, view.cells) == (stage.name, stage.kind, stage.cells)
        assert set(view.inputs) == stage.inputs.keys() | stage.restores.keys()
        assert set(view.outputs) == {artifact.name for artifact in (*stage.outputs, *stage.saves)}
        assert [key for key, _ in view.parameters] == list(stage.params.values())
        crossed = {f"{c.source}.{c.name}" for c in found.into(stage.name)}
        assert crossed == {*stage.inputs.values(), *stage.restores.values()}
        assert all(len(c.reasons) >= 2 for c in found.into(stage.name))
