"""Which edits of a package's code change which digests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from nb2pipe.runtime.code import Code, read_code
from nb2pipe.runtime.package import load_package, package_of
from tests.runtime.running import REPOSITORY

FILES = {
    "pkg/config/base.yaml": "load:\n  path: numbers.csv\n",
    "pkg/pkg/__init__.py": '"""A package."""\nfrom pkg.scores import score\n',
    "pkg/pkg/pipeline.py": '''
"""The definition."""
from nb2pipe.runtime import Pipeline, Stage
from pkg.stages.fit import fit
from pkg.stages.judge import judge
from pkg.stages.load import load
from pkg.stages.report import report

def settings():
    """For fit."""
    import warnings
    warnings.simplefilter("ignore")

PIPELINE = Pipeline(
    name="pkg",
    stages=(
        Stage(load, kind="load_data", params={"path": "load.path"}, outputs=("numbers",)),
        Stage(fit, kind="train", inputs={"numbers": "load.numbers"}, outputs=("model",), settings=(settings,)),
        Stage(judge, kind="evaluate", inputs={"model": "fit.model"}),
        Stage(report, kind="package", inputs={"model": "fit.model"}),
    ),
)
''',
    "pkg/pkg/stages/__init__.py": "",
    "pkg/pkg/stages/load.py": '''
"""Load."""
import os
from dataclasses import dataclass
import pandas as pd
import beside

FOLDER = "data"

@dataclass(frozen=True)
class LoadOutputs:
    """What it hands on."""
    numbers: list

def load(path):
    """Loads."""
    # a comment
    table = pd.read_csv(f"{FOLDER}/{path}.csv", sep=os.environ.get("SEPARATOR"))
    return LoadOutputs(numbers=beside.clean(table))
''',
    "pkg/pkg/stages/fit.py": '''
"""Fit."""
import numpy as np
from pkg import helpers
from pkg.marks import timed

RATE = 0.5
OFFSETS: dict = {"a": 1}

@timed
def fit(numbers, steps=helpers.STEPS):
    start = helpers.first(numbers)
    model = helpers.Model(RATE, OFFSETS)
    return np.array(numbers).mean() + start, model
''',
    "pkg/pkg/stages/judge.py": '''
"""Judge."""
from pkg import score

def judge(model):
    from pkg.late import late as later
    return later(score(model))
''',
    "pkg/pkg/stages/report.py": '''
"""Report."""
from pkg.shared import *

def report(model):
    LIMIT = 3
    print(written(model), LIMIT)
''',
    "pkg/pkg/helpers.py": '''
"""Functions."""
STEPS = 10
LIMIT = 5

class Base:
    """A base."""
    def scale(self):
        return 1

class Model(Base):
    """A model."""
    kind: str = "linear"

    def __init__(self, rate, offsets):
        self.rate = rate

def first(numbers):
    """The first."""
    return second(numbers) + 1

def second(numbers):
    return numbers[0]

def unused(numbers):
    return numbers
''',
    "pkg/pkg/marks.py": """
import functools

def timed(function):
    @functools.wraps(function)
    def inner(*args, **options):
        print("timed")
        return function(*args, **options)
    return inner
""",
    "pkg/pkg/scores.py": "def score(model):\n    return 1\n",
    "pkg/pkg/late.py": "def late(value):\n    return value\n",
    "pkg/pkg/shared.py": """
def written(model):
    return model

def other(model):
    return model
""",
    "pkg/beside.py": "def clean(table):\n    return table\n",
}

ALL = {"load", "fit", "judge", "report"}


@dataclass(frozen=True)
class Edit:
    """``old`` becomes ``new`` in a file of the package (or is added at its end), and so these stages change."""

    name: str
    file: str
    old: str
    new: str
    changes: frozenset[str] | set[str] = frozenset()


EDITS = [
    Edit("comment", "stages/load.py", "# a comment", "# another comment"),
    Edit("blank lines", "stages/load.py", '\nFOLDER = "data"', '\n\n\nFOLDER = "data"'),
    Edit("quotes and parentheses", "stages/load.py", 'FOLDER = "data"', "FOLDER = ('data')"),
    Edit("docstring of a stage", "stages/load.py", '"""Loads."""', '"""Reads."""'),
    Edit("docstring added", "helpers.py", "def second(numbers):\n", 'def second(numbers):\n    """Second."""\n'),
    Edit("docstring of a module", "helpers.py", '"""Functions."""', '"""More."""'),
    Edit("docstring of a class", "helpers.py", '"""A model."""', '"""That model."""'),
    Edit("config key of a parameter", "pipeline.py", '"load.path"', '"load.other"'),
    Edit("kind and cells of a stage", "pipeline.py", 'kind="evaluate"', 'kind="custom", cells=(4,)'),
    Edit("unused helper", "helpers.py", "def unused(numbers):\n    return numbers", "def unused(x):\n    return 7"),
    Edit("helper added", "helpers.py", "", "\ndef third(numbers):\n    return numbers\n"),
    Edit("helper added with an import", "helpers.py", "", "\nimport json\ndef third(x):\n    return json.dumps(x)\n"),
    Edit("helpers in another order", "helpers.py", "STEPS = 10\nLIMIT = 5\n", "LIMIT = 5\nSTEPS = 10\n"),
    Edit("name that a local variable hides", "shared.py", "", "\nLIMIT = 9\n"),
    Edit("import for types only", "shared.py", "", "\nif TYPE_CHECKING:\n    import json\n"),
    Edit("main part", "helpers.py", "", '\nif __name__ == "__main__":\n    print(1)\n'),
    Edit("body of a stage", "stages/fit.py", ".mean()", ".max()", {"fit"}),
    Edit("helper", "helpers.py", "second(numbers) + 1", "second(numbers) + 2", {"fit"}),
    Edit("helper of a helper", "helpers.py", "numbers[0]", "numbers[1]", {"fit"}),
    Edit("constant", "stages/fit.py", "RATE = 0.5", "RATE = 0.6", {"fit"}),
    Edit("annotated constant", "stages/fit.py", '{"a": 1}', '{"a": 2}', {"fit"}),
    Edit("constant in a text", "stages/load.py", 'FOLDER = "data"', 'FOLDER = "date"', {"load"}),
    Edit("default argument", "helpers.py", "STEPS = 10", "STEPS = 11", {"fit"}),
    Edit("decorator's body", "marks.py", '"timed"', '"late"', {"fit"}),
    Edit("decorator removed", "stages/fit.py", "@timed\n", "", {"fit"}),
    Edit("decorator added", "helpers.py", "def second", "@dec\ndef second", {"fit"}),
    Edit("base class", "helpers.py", "return 1", "return 2", {"fit"}),
    Edit("method", "helpers.py", "self.rate = rate", "self.rate = -rate", {"fit"}),
    Edit("class annotation", "helpers.py", "kind: str", "kind: object", {"fit"}),
    Edit("module beside the package", "../beside.py", "return table", "return table[1:]", {"load"}),
    Edit("function-local import", "late.py", "return value", "return -value", {"judge"}),
    Edit("target of a local import", "stages/judge.py", "late as later", "other as later", {"judge"}),
    Edit("through a re-export", "scores.py", "return 1", "return 2", {"judge"}),
    Edit("through a star import", "shared.py", "return model\n\ndef o", "return -model\n\ndef o", {"report"}),
    Edit("beside a star import", "shared.py", "def other(model):\n    return model", "def other(model):\n    return 0"),
    Edit("star import of other names", "shared.py", "", "\nfrom pkg.late import *\n"),
    Edit("code of modules that are imported", "helpers.py", "", '\nif __name__ != "__main__":\n    print(1)\n', ALL),
    Edit("settings", "pipeline.py", '"ignore"', '"error"', {"fit"}),
    Edit("name rebound", "helpers.py", "", "\ndef second(numbers):\n    return 2\n", {"fit"}),
    Edit("name rebound by a loop", "helpers.py", "", "\nfor STEPS in range(3): pass\n", ALL),
    # importing pipeline.py imports all stages' modules in every stage's process
    Edit("statement at import", "helpers.py", "", "\nprint(1)\n", ALL),
    Edit("unknown call at import", "stages/load.py", "", "\nLEFT = pd.set_option('a', 1)\n", ALL),
    Edit("well-known call at import", "stages/load.py", "", "\nLEFT = list(range(3))\n"),
    Edit("attribute set at import", "stages/fit.py", "", "\nhelpers.LIMIT = 6\n", ALL),
    Edit("statement at import, beside", "../beside.py", "", "\nimport os\nos.environ['A'] = 'b'\n", ALL),
    Edit("statement in __init__", "stages/__init__.py", "", "\nprint(1)\n", ALL),
    Edit("statement in the definition", "pipeline.py", "", "\nprint(1)\n", ALL),
    Edit("unused import of Python's own", "stages/load.py", "", "\nimport json\n"),
    Edit("unused import of a module", "stages/load.py", "", "\nfrom pkg import helpers\n"),
    Edit("import for its effect", "stages/load.py", "", "\nfrom numpy import linalg\n", ALL),
    Edit("decorator that keeps", "helpers.py", "", "\nK = []\n@K.append\ndef kept():\n    return 1\n", ALL),
]


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Code]]:
    """Reads the package's code as it is on disk now."""
    _write(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(sys, "path", [*sys.path])
    known = set(sys.modules)

    def forget() -> None:
        for name in set(sys.modules) - known:
            if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
                del sys.modules[name]

    def read_it() -> Code:
        forget()
        pipeline = load_package(tmp_path / "pkg")
        return read_code(pipeline, package_of(pipeline))

    yield read_it
    forget()


def _write(folder: Path) -> None:
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def _edit(folder: Path, edit: Edit) -> None:
    file = folder / "pkg" / "pkg" / edit.file
    text = file.read_text(encoding="utf-8")
    assert edit.old in text, "the edit has nothing to change"
    file.write_text(text.replace(edit.old, edit.new, 1) if edit.old else text + edit.new, encoding="utf-8")


def _changed(before: Code, after: Code) -> set[str]:
    return {stage for stage in before.stages if before.stages[stage] != after.stages[stage]}


# what an edit would break at import does not matter to the reading of code: modules stay as they were imported
@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.name)
def test_an_edit_changes_the_stages_that_reach_it(edit: Edit, tmp_path: Path, read: Callable[[], Code]) -> None:
    before = read()
    pipeline = load_package(tmp_path / "pkg")
    _edit(tmp_path, edit)

    assert _changed(before, read_code(pipeline, package_of(pipeline))) == set(edit.changes)


@pytest.mark.parametrize(
    "use",
    [
        "globals()[model]",
        "eval(model)",
        "exec(model)",
        "__import__(model)",
        "import importlib; importlib.import_module(model)",
        "import importlib as i; i.import_module(model)",
        "import sys; sys.modules[model]",
        "import pkg.helpers, pkg.stages.fit; getattr(pkg.helpers, model); vars(pkg.stages.fit)",
        "from pkg import helpers; from pkg.stages import fit; print(helpers, fit)",
        "import pkg; print(pkg)",
        "print(model.__class__.__subclasses__())",
    ],
)
def test_code_that_cannot_be_followed_reaches_all_it_may(use: str, tmp_path: Path, read: Callable[[], Code]) -> None:
    _edit(tmp_path, Edit("", "stages/judge.py", "    from pkg.late", f"    {use}\n    from pkg.late"))
    before = read()
    _edit(tmp_path, Edit("", "helpers.py", "def unused(numbers):\n    return numbers", "def unused(n):\n    return 7"))
    assert _changed(before, read()) == {"judge"}
    _edit(tmp_path, Edit("", "stages/fit.py", "RATE = 0.5", "RATE = 0.6"))
    assert {"judge", "fit"} == _changed(before, read())


def test_unpickled_objects_may_be_of_any_class_but_not_stages(tmp_path: Path, read: Callable[[], Code]) -> None:
    _edit(tmp_path, Edit("", "stages/judge.py", "    from", "    import joblib\n    joblib.load('m')\n    from"))
    before = read()
    _edit(tmp_path, Edit("", "stages/fit.py", ".mean()", ".max()"))
    assert _changed(before, read()) == {"fit"}
    before = read()
    _edit(tmp_path, Edit("", "helpers.py", "self.rate = rate", "self.rate = -rate"))
    assert _changed(before, read()) == {"fit", "judge"}


@pytest.mark.parametrize("text", ["table.query('x > @LIMIT')", "ols('y ~ first(x)', table)"])
def test_texts_that_name_variables_reach_them(text: str, tmp_path: Path, read: Callable[[], Code]) -> None:
    _edit(tmp_path, Edit("", "helpers.py", "", f"\ndef asked(table):\n    return {text}\n"))
    _edit(
        tmp_path, Edit("", "stages/report.py", "print(", "from pkg.helpers import asked\n    asked(model)\n    print(")
    )
    before = read()
    _edit(tmp_path, Edit("", "helpers.py", "LIMIT = 5", "LIMIT = 6"))
    _edit(tmp_path, Edit("", "helpers.py", "second(numbers) + 1", "second(numbers) + 2"))

    assert "report" in _changed(before, read())


def test_docstrings_count_for_code_that_reads_them(tmp_path: Path, read: Callable[[], Code]) -> None:
    _edit(tmp_path, Edit("", "stages/fit.py", "    start =", "    print(helpers.first.__doc__)\n    start ="))
    before = read()
    _edit(tmp_path, Edit("", "helpers.py", '"""The first."""', '"""The very first."""'))

    assert _changed(before, read()) == {"fit"}


def test_a_subclass_counts_where_its_base_is_told_of_it(tmp_path: Path, read: Callable[[], Code]) -> None:
    hook = "class Base:\n    def __init_subclass__(cls):\n        KNOWN.append(cls)\nKNOWN = []\n"
    _edit(tmp_path, Edit("", "helpers.py", "", f"\n{hook}class Kept(Base):\n    size = 1\n"))
    before = read()
    _edit(tmp_path, Edit("", "helpers.py", "size = 1", "size = 2"))

    assert _changed(before, read()) == ALL


def test_the_order_of_star_imports_counts(tmp_path: Path, read: Callable[[], Code]) -> None:
    (tmp_path / "pkg/pkg/more.py").write_text("def written(model):\n    return 0\n")
    one, two = "from pkg.shared import *", "from pkg.more import *"
    _edit(tmp_path, Edit("", "stages/report.py", one, f"{one}\n{two}"))
    before = read()
    _edit(tmp_path, Edit("", "stages/report.py", f"{one}\n{two}", f"{two}\n{one}"))

    assert _changed(before, read()) == {"report"}


def test_a_cycle_of_imports_and_calls_ends(tmp_path: Path, read: Callable[[], Code]) -> None:
    _edit(tmp_path, Edit("", "scores.py", "    return 1", "    from pkg.late import late\n    return late(0)"))
    _edit(tmp_path, Edit("", "late.py", "", "\nimport pkg.scores\ndef back():\n    return pkg.scores.score(late)\n"))

    assert set(read().stages) == ALL


def test_a_very_deep_expression_counts_by_the_bytes_of_its_file(tmp_path: Path, read: Callable[[], Code]) -> None:
    _edit(tmp_path, Edit("", "late.py", "", f"\ndef deep():\n    return {'+'.join(['1'] * 3000)}\n"))
    before = read()
    _edit(tmp_path, Edit("", "late.py", "return value", "return value  # the same"))

    assert "judge" in _changed(before, read())


def test_a_file_that_is_no_python_counts_by_its_bytes(tmp_path: Path, read: Callable[[], Code]) -> None:
    (tmp_path / "pkg/pkg/late.py").write_text("def late(:\n")
    before = read()
    (tmp_path / "pkg/pkg/late.py").write_text("def late(::\n")

    assert _changed(before, read()) == {"judge"}


def test_functions_without_source_count_by_their_code(tmp_path: Path, read: Callable[[], Code]) -> None:
    made = "exec('def made(model):\\n    return [n for n in model if n > 1]')\n"
    _edit(tmp_path, Edit("", "pipeline.py", "PIPELINE =", made + "PIPELINE ="))
    _edit(tmp_path, Edit("", "pipeline.py", "Stage(judge,", "Stage(made,"))
    before = read()
    assert before.stages == read().stages
    _edit(tmp_path, Edit("", "pipeline.py", "n > 1", "n > 2"))
    assert "made" in _changed(before, read())


def test_stages_made_by_a_call_count_with_what_they_were_made_of(tmp_path: Path, read: Callable[[], Code]) -> None:
    _edit(
        tmp_path,
        Edit("", "scores.py", "", "\ndef make(n):\n    def judge(model):\n        return n\n    return judge\n"),
    )
    _edit(
        tmp_path,
        Edit("", "pipeline.py", "from pkg.stages.judge import judge", "from pkg.scores import make\njudge = make(1)"),
    )
    before = read()
    _edit(tmp_path, Edit("", "pipeline.py", "make(1)", "make(2)"))

    assert "judge" in _changed(before, read())


def test_what_stages_import_read_and_mention(read: Callable[[], Code]) -> None:
    code = read()

    assert code.libraries["load"] == ("pandas",)
    assert set(code.libraries["fit"]) == {"nb2pipe", "numpy"}
    assert code.libraries["judge"] == ()
    assert "SEPARATOR" in code.variables["load"]
    assert code.variables["fit"] == ()
    assert {"data", "*/*.csv"} <= set(code.mentions["load"])
    assert not any("Loads" in text for text in code.mentions["load"])


def test_files_beside_the_code_are_mentioned_where_it_asks_for_its_place(
    tmp_path: Path, read: Callable[[], Code]
) -> None:
    (tmp_path / "pkg/pkg/table.csv").write_text("1")
    use = "    from pathlib import Path\n    open(Path(__file__).parent / 'table.csv')\n    from pkg.late"
    _edit(tmp_path, Edit("", "stages/judge.py", "    from pkg.late", use.replace("parent", "parent.parent")))

    assert str((tmp_path / "pkg/pkg/table.csv").resolve()) in read().mentions["judge"]


def test_each_definition_has_the_digest_of_what_it_reaches(tmp_path: Path, read: Callable[[], Code]) -> None:
    before = read()
    _edit(tmp_path, Edit("", "helpers.py", "return 1", "return 2"))
    after = read()

    changed = {name for name in before.definitions if before.definitions[name] != after.definitions[name]}
    assert changed == {"pkg.helpers:Base", "pkg.helpers:Model", "pkg.stages.fit:fit", "pkg.pipeline:PIPELINE"}


def test_sources_are_the_local_files(tmp_path: Path, read: Callable[[], Code]) -> None:
    expected = {str((tmp_path / name).resolve()) for name in FILES if name.endswith(".py")}

    assert set(read().sources) == expected


def test_a_value_in_the_config_is_not_code(tmp_path: Path, read: Callable[[], Code]) -> None:
    before = read()
    (tmp_path / "pkg/config/base.yaml").write_text("load:\n  path: others.csv\n")

    assert _changed(before, read()) == set()


def test_digests_are_the_same_in_other_processes_and_folders(tmp_path: Path) -> None:
    program = (
        "import json, sys; from pathlib import Path; from nb2pipe.runtime.code import read_code;"
        "from nb2pipe.runtime.package import load_package, package_of;"
        "p = load_package(Path(sys.argv[1])); c = read_code(p, package_of(p));"
        "print(json.dumps([dict(c.stages), dict(c.definitions), c.libraries, c.variables, c.mentions]))"
    )
    said = []
    for seed in ("1", "2"):
        _write(tmp_path / seed)
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(REPOSITORY)}
        command = [sys.executable, "-c", program, str(tmp_path / seed / "pkg")]
        said.append(json.loads(subprocess.run(command, env=environment, check=True, capture_output=True).stdout))

    assert said[0] == said[1]
