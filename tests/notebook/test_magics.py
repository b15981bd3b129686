"""Magics: what each becomes in plain Python."""

from __future__ import annotations

import pytest

from nb2pipe.notebook.bound import bound_names
from nb2pipe.notebook.magics import LINE_MAGICS, PlainCode, plain_python

OS, SUBPROCESS, BOTH = frozenset({"os"}), frozenset({"subprocess"}), frozenset({"os", "subprocess"})
SHELL = "shell=True, executable=os.environ.get('SHELL')"
EXPANDED = f"if x:\n    subprocess.run(f'make {{x}} {{y}} $HOME', {SHELL})"
UNEXPANDED = f"subprocess.run(\"awk '{{print $1}}' a > b\", {SHELL})"
LINES = f"{SHELL}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors='replace').stdout.splitlines()"
BASH = 'subprocess.run([\'bash\'], text=True, check=True, input="""\\\necho 1\necho 2\n""")'
SAID = (
    'said = subprocess.run([\'sh\'], check=True, input="""\\\necho\n""".encode(), stdout=subprocess.PIPE)'
    ".stdout.decode(errors='replace')"
)
WRITTEN = '\npathlib.Path(\'a.py\').write_text("""\\\nx = 1\n""", encoding="utf-8")'

TRANSLATED = [
    ("x = 1\ny = x % 2", PlainCode("x = 1\ny = x % 2")),
    ("%matplotlib inline\nx = 1", PlainCode("pass\nx = 1", ("%matplotlib inline",))),
    ("%load_ext autoreload\n%autoreload 2", PlainCode("pass\npass", ("%load_ext autoreload", "%autoreload 2"))),
    ("%time x = f(1)", PlainCode("x = f(1)")),
    ("%%time\nx = 1", PlainCode("\nx = 1", ("%%time",))),
    ("\n%%capture\n%time x = 1", PlainCode("\n\nx = 1", ("%%capture",))),
    ("%env A=b", PlainCode("os.environ['A'] = 'b'", imports=OS)),
    ("%set_env A b", PlainCode("os.environ['A'] = 'b'", imports=OS)),
    ("%env A=", PlainCode("os.environ['A'] = ''", imports=OS)),
    ("%timeit -n 10 x + 1", PlainCode("pass", ("%timeit -n 10 x + 1",))),
    ("home = %env HOME", PlainCode("home = os.environ['HOME']", imports=OS)),
    ("%env", PlainCode("pass", ("%env",))),
    ("%cd -q data", PlainCode("os.chdir('data')", imports=OS)),
    ("here = %pwd", PlainCode("here = os.getcwd()", imports=OS)),
    ("%xdel rows", PlainCode("del rows")),
    ("!sort a > b", PlainCode(f"subprocess.run('sort a > b', {SHELL})", imports=BOTH)),
    ("if x:\n    !make {x} $y $$HOME", PlainCode(EXPANDED, imports=BOTH)),
    ("!awk '{print $1}' a > b", PlainCode(UNEXPANDED, imports=BOTH)),
    ("files = !ls", PlainCode(f"files = subprocess.run('ls', {LINES}", imports=BOTH)),
    ("%mkdir -p out", PlainCode(f"subprocess.run('mkdir -p out', {SHELL})", imports=BOTH)),
    ("%%html\n<b>hello</b>", PlainCode("", ("%%html",))),
    ("%%bash\necho 1\necho 2", PlainCode(BASH, imports=SUBPROCESS)),
    ("%%sh --out said\necho", PlainCode(SAID, imports=SUBPROCESS)),
    ("\n%%writefile a.py\nx = 1", PlainCode(WRITTEN, imports=frozenset({"pathlib"}), written=frozenset({"a"}))),
    ('get_ipython().system("make all")', PlainCode(f"subprocess.run('make all', {SHELL})", imports=BOTH)),
    ('get_ipython().run_cell_magic("time", "", "x = 1\\n")', PlainCode("x = 1")),
    (
        'get_ipython().run_cell_magic("bash", "", "echo 1\\n")',
        PlainCode("subprocess.run(['bash'], text=True, check=True, input='echo 1\\n')", imports=SUBPROCESS),
    ),
    (
        'get_ipython().run_cell_magic("writefile", "a.txt", "one\\n")',
        PlainCode("pathlib.Path('a.txt').write_text('one\\n', encoding=\"utf-8\")", imports=frozenset({"pathlib"})),
    ),
    ("inside = get_ipython() is not None", PlainCode("inside = True")),
    ('if __name__ == "__main__":\n    x = 1', PlainCode('if "__main__" == "__main__":\n    x = 1')),
    ("!pip install pandas\nx = 1", PlainCode("pass\nx = 1", ("!pip install pandas",))),
    ("!python -m pip install x", PlainCode("pass", ("!python -m pip install x",))),
    ("!ls -la", PlainCode("pass", ("!ls -la",))),
    ("df.head?", PlainCode("pass", ("df.head?",))),
    ("for i in range(2):\n    %time print(i)", PlainCode("for i in range(2):\n    print(i)")),
    ("x = 3\n%time y = 'ü'; z = 1", PlainCode("x = 3\ny = 'ü'; z = 1")),
]


@pytest.mark.parametrize(("source", "plain"), TRANSLATED, ids=[source for source, _ in TRANSLATED])
def test_translated(source: str, plain: PlainCode) -> None:
    assert plain_python(source, frozenset({"x", "y"})) == plain


REFUSED = [
    ("x = 1\nfiles = !ls\nprint(files.n)", 2),
    ("%cd -", 1),
    ("%cd /tmp", 1),
    ("%run other.py", 1),
    ("x = 1\n\n%timeit f(x)", 3),
    ("%timeit x['missing']", 1),
    ("!sleep 5 &", 1),
    ("!echo {_}", 1),
    ("def f(k):\n    def g():\n        !echo {max(1, 2)}", 3),
    ("x = !echo $Out", 1),
    ("%env A b=c", 1),
    ('get_ipython().run_cell_magic("writefile", "a.py", "x = 1\\n")', 1),
    ("%%bash --bg\necho", 1),
    ("\n%%writefile ~/a.py\nx = 1", 2),
    ("%%time -n 3\nx = 1", 1),
    ("%load_ext sql", 1),
    ("%env A=$HOME", 1),
    ("%%sql\nselect 1", 1),
    ("everything = %env", 1),
    ("get_ipython().run_line_magic(name, 'x')", 1),
]


@pytest.mark.parametrize(("source", "line"), REFUSED, ids=[source for source, _ in REFUSED])
def test_refused_with_its_line(source: str, line: int) -> None:
    assert [found for found, _ in plain_python(source).refused] == [line]


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("%unknown\nimport os", "...\nimport os"),
        ("files = %unknown\nx = 1", "files = ...\nx = 1"),
        ("def f():\n    %unknown\n    return 1", "def f():\n    ...\n    return 1"),
        ("%unknown \\\n  all\nx = 1", "...\nx = 1"),
        ("%%unknown\necho", ""),
    ],
)
def test_what_stands_beside_a_refused_magic_is_still_read(source: str, code: str) -> None:
    assert plain_python(source).code == code


def test_lines_keep_their_numbers() -> None:
    source = "import os\n%matplotlib inline\n\n%time x = 1\ny = 2"
    assert plain_python(source).code.split("\n").index("y = 2") == source.split("\n").index("y = 2")


def test_the_table_is_in_order() -> None:
    assert list(LINE_MAGICS) == sorted(LINE_MAGICS)


@pytest.mark.parametrize(
    "source",
    [
        "%%time\nname = 1",
        "%time name = 1",
        "%%bash --out name\necho",
        "try:\n    !false\nexcept OSError as name:\n    pass",
        "for name in range(2):\n    !echo",
        "match 1:\n    case name:\n        %pwd",
        "name = !ls",
    ],
)
def test_names_that_magics_bind_go_into_commands(source: str) -> None:
    assert "name" in bound_names([source])


def test_a_star_import_may_bind_what_a_command_uses() -> None:
    names = bound_names(["from settings import *"])
    assert plain_python("!echo {rate}", names).refused
    assert not plain_python("!echo 'rate'", names).refused
