"""What a first draft shows to be necessary: shared names, definitions that are values, names that may be unbound."""

from __future__ import annotations

from pathlib import Path

import pytest

from nb2pipe.emit.helpers import helpers_module
from nb2pipe.emit.stages import stage_module
from nb2pipe.emit.unbound import unbound_module
from nb2pipe.pipeline import Pipeline
from tests.pipeline.conftest import MakePipeline, plan_of

LOAD, TRAIN, EVALUATE = (f'# %% tags=["stage:{s}"]\n' for s in ("load_data", "train", "evaluate"))


def shared(pipeline: Pipeline) -> set[str]:
    """Names that live in ``helpers.py``."""
    return set(pipeline.helpers.shared)


SHARED = {
    "a class reads a variable that changes": (
        f"# %%\nclass Model:\n    def predict(self, x):\n        return x + offset\noffset = 1\n"
        f"{LOAD}model = Model()\n{TRAIN}offset = 100\n{EVALUATE}print(model.predict(1))\n",
        {"offset"},
    ),
    "a function binds names that nothing else binds": (
        f"# %%\ndef set_up():\n    global device\n    device = 'cpu'\n{LOAD}set_up()\n{EVALUATE}print(device)\n",
        {"device"},
    ),
    "a function is defined again": (
        f"# %%\ndef clean(x):\n    return x\ndef clean_all(xs):\n    return [clean(x) for x in xs]\n"
        f"{LOAD}one = clean_all([1])\n{TRAIN}def clean(x):\n    return -x\n{EVALUATE}print(one, clean_all([2]))\n",
        {"clean"},
    ),
    "a default remembers": (
        f"# %%\ndef note(x, seen=[]):\n    seen.append(x)\n    return list(seen)\n"
        f"{LOAD}first = note(1)\n{EVALUATE}print(first, note(2))\n",
        {"note"},
    ),
    "attributes of a function are set": (
        f"# %%\ndef predict(x):\n    return x * predict.weight\npredict.weight = 1\n{TRAIN}predict.weight = 10\n"
        f"{EVALUATE}print(predict(2))\n",
        {"predict"},
    ),
    "a decorator counts": (
        "# %%\ndef counted(fn):\n    def wrapper(x):\n        wrapper.calls += 1\n        return fn(x)\n"
        "    wrapper.calls = 0\n    return wrapper\n@counted\ndef score(x):\n    return x\n"
        f"{LOAD}score(1)\n{EVALUATE}print(score.calls)\n",
        {"score"},
    ),
    "a stored lambda reads a variable": (
        f"{LOAD}scale = 2\nways = {{'sum': lambda v: sum(v) * scale}}\n{TRAIN}scale = 100\n"
        f"{EVALUATE}print(ways['sum']([1]))\n",
        {"scale"},
    ),
    "a class body reads and binds one name": (
        f"{LOAD}columns = ['a']\n{TRAIN}class Schema:\n    columns = [c.upper() for c in columns]\n"
        f"{EVALUATE}print(Schema().columns, columns)\n",
        {"Schema", "columns"},
    ),
}


@pytest.mark.parametrize("name", SHARED)
def test_shared_names(name: str, pipeline_of: MakePipeline) -> None:
    percent, names = SHARED[name]
    assert shared(pipeline_of(percent)) == names


ARGUMENTS = {
    "a helper reads a variable": f"# %%\ndef add(x):\n    return x + n\n{LOAD}n = 1\n{EVALUATE}print(add(1))\n",
    "a constant": f"# %%\nN = 3\ndef cut(x):\n    return x[:N]\n{LOAD}a = cut('abcd')\n{EVALUATE}print(cut(a))\n",
    "a lambda that is only called": f"{LOAD}n = 3\nrows = sorted([2, 1], key=lambda v: v * n)\n{EVALUATE}print(rows)\n",
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_what_needs_no_sharing(name: str, pipeline_of: MakePipeline) -> None:
    assert not shared(pipeline_of(ARGUMENTS[name]))


def test_a_shared_name_bound_where_no_attribute_can_stand_is_refused(tmp_path: Path) -> None:
    percent = (
        f"# %%\nclass Model:\n    def predict(self):\n        return offset\n{LOAD}if (offset := 3):\n    m = Model()\n"
        f"{EVALUATE}print(m.predict())\n"
    )
    (finding,) = plan_of(percent, tmp_path).errors
    assert (finding.code, finding.cell, finding.line) == ("NB213", 2, 1)


def test_stages_spell_shared_names_as_attributes(pipeline_of: MakePipeline) -> None:
    pipeline = pipeline_of(SHARED["a class reads a variable that changes"][0])
    train = next(stage for stage in pipeline.stages if stage.name == "train")
    assert "helpers.offset = 100" in stage_module(train, pipeline)
    assert "offset: Any" in helpers_module(pipeline)
    assert train.saves[0].name == "offset"


def test_a_name_bound_on_some_path_crosses_as_a_mark(pipeline_of: MakePipeline) -> None:
    pipeline = pipeline_of(f"{LOAD}rows = list('ab')\nif len(rows) > 5:\n    limit = 5\n{EVALUATE}print(limit)\n")
    load, evaluate = (stage_module(stage, pipeline) for stage in pipeline.stages)
    assert 'limit=locals().get("limit", UNBOUND)' in load.replace("'", '"')
    assert "if limit is UNBOUND:\n        del limit" in evaluate
    assert unbound_module(pipeline)


@pytest.mark.parametrize(
    "question", ["'limit' in globals()", "globals().get('limit')", "'limit' not in globals()", "globals()['rows']"]
)
def test_questions_to_the_namespace_are_asked_of_the_stage(question: str, pipeline_of: MakePipeline) -> None:
    pipeline = pipeline_of(f"{LOAD}rows = [1]\nlimit = len(rows)\n{EVALUATE}known = {question}\nprint(known)\n")
    assert question.replace("globals", "locals") in stage_module(pipeline.stages[-1], pipeline).replace('"', "'")


def test_a_stage_that_awaits_is_a_coroutine(pipeline_of: MakePipeline) -> None:
    percent = f"# %%\nimport asyncio\n{LOAD}rows = await asyncio.gather(asyncio.sleep(0, 1))\n{EVALUATE}print(rows)\n"
    load, evaluate = pipeline_of(percent).stages
    assert (load.asynchronous, evaluate.asynchronous) == (True, False)


IMPORTS = {
    "an alias taken twice": (
        f"{LOAD}import math as m\na = m.pi\n{TRAIN}import cmath as m\n{EVALUATE}print(m.pi, a)\n",
        "m",
    ),
    "a fallback": (
        f"{LOAD}try:\n    import ujson as j\nexcept ImportError:\n    import json as j\n{EVALUATE}print(j.e)\n",
        "j",
    ),
    "a module's name reused": (f"# %%\nimport string\n{LOAD}string = 'abc'\n{EVALUATE}print(string)\n", "string"),
}


@pytest.mark.parametrize("name", IMPORTS)
def test_imports_that_are_variables(name: str, pipeline_of: MakePipeline) -> None:
    percent, variable = IMPORTS[name]
    pipeline = pipeline_of(percent)
    assert variable in pipeline.stages[-1].inputs


def test_a_star_import_names_what_is_used(pipeline_of: MakePipeline) -> None:
    pipeline = pipeline_of(f"# %%\nfrom math import *\n{LOAD}root = sqrt(floor(9.5))\n{EVALUATE}print(root)\n")
    assert {entry.statement() for entry in pipeline.stages[0].imports} == {
        "from math import floor",
        "from math import sqrt",
    }
