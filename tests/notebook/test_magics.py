"""Magics: what each becomes in plain Python."""

from __future__ import annotations

import pytest

from nb2pipe.notebook.magics import LINE_MAGICS, PlainCode, plain_python

TRANSLATED = [
    ("x = 1\ny = x % 2", PlainCode("x = 1\ny = x % 2")),
    ("%matplotlib inline\nx = 1", PlainCode("pass\nx = 1", ("%matplotlib inline",))),
    ("%load_ext autoreload\n%autoreload 2", PlainCode("pass\npass", ("%load_ext autoreload", "%autoreload 2"))),
    ("%time x = f(1)", PlainCode("x = f(1)")),
    ("%%time\nx = 1", PlainCode("\nx = 1", ("%%time",))),
    ("\n%%capture\n%time x = 1", PlainCode("\n\nx = 1", ("%%capture",))),
    ("%env A=b", PlainCode("import os; os.environ['A'] = 'b'")),
    ("%set_env A b", PlainCode("import os; os.environ['A'] = 'b'")),
    ("%env", PlainCode("pass")),
    ("!pip install pandas\nx = 1", PlainCode("pass\nx = 1", ("!pip install pandas",))),
    ("!python -m pip install x", PlainCode("pass", ("!python -m pip install x",))),
    ("!ls -la", PlainCode("pass", ("!ls -la",))),
    ("df.head?", PlainCode("pass", ("df.head?",))),
    ("for i in range(2):\n    %time print(i)", PlainCode("for i in range(2):\n    print(i)")),
    ("x = 3\n%time y = 'ü'; z = 1", PlainCode("x = 3\ny = 'ü'; z = 1")),
]


@pytest.mark.parametrize(("source", "plain"), TRANSLATED, ids=[source for source, _ in TRANSLATED])
def test_translated(source: str, plain: PlainCode) -> None:
    assert plain_python(source) == plain


REFUSED = [
    ("!sort a > b", 1),
    ("!ls > files.txt", 1),
    ("x = 1\nfiles = !ls", 2),
    ("%cd data", 1),
    ("%run other.py", 1),
    ("x = 1\n\n%timeit x", 3),
    ("%%bash\necho", 1),
    ("\n%%writefile a.py\nx = 1", 2),
    ("%%time -n 3\nx = 1", 1),
    ("%load_ext sql", 1),
    ("%env A=$HOME", 1),
    ("!rm -rf data", 1),
    ("!cat $(ls)", 1),
    ("if x:\n    !make", 2),
]


@pytest.mark.parametrize(("source", "line"), REFUSED, ids=[source for source, _ in REFUSED])
def test_refused_with_its_line(source: str, line: int) -> None:
    assert [found for found, _ in plain_python(source).refused] == [line]


def test_lines_keep_their_numbers() -> None:
    source = "import os\n%matplotlib inline\n\n%time x = 1\ny = 2"
    assert plain_python(source).code.split("\n").index("y = 2") == source.split("\n").index("y = 2")


def test_the_table_is_in_order() -> None:
    assert list(LINE_MAGICS) == sorted(LINE_MAGICS)
