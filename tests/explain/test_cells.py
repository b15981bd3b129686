"""What a cell reads, binds and changes in place."""

from __future__ import annotations

import pytest

from tests.explain.conftest import Cells

# Above the line: what came before. Below it: the cell, and what it reads, binds and mutates.
CASES = {
    "a name read before it is bound": ("x = 1", "y = x + 1", "x", "y", ""),
    "a name bound first is not read": ("x = 1", "x = 2\ny = x", "", "x y", ""),
    "a name rebound from itself is read": ("x = [1]", "x = [*x, 2]", "x", "x", ""),
    "imports, functions and builtins are not variables": (
        "import math\ndef f(v):\n    return v",
        "y = f(math.sqrt(len('ab')))",
        "",
        "y",
        "",
    ),
    "comprehension names stay inside": ("xs = [1]", "ys = [x for x in xs]", "xs", "ys", ""),
    "loop names are bound": ("xs = [1]", "for x in xs:\n    y = x", "xs", "x y", ""),
    "read through a function": ("k = 2\ndef f(v):\n    return v * k", "y = f(1)", "k", "y", ""),
    "read through a function of a function": (
        "k = 2\ndef g(v):\n    return v * k\ndef f(v):\n    return g(v)",
        "y = f(1)",
        "k",
        "y",
        "",
    ),
    "a function that is only defined reads nothing": ("k = 2", "def f(v):\n    return v * k", "", "", ""),
    "bound through global": ("n = 0\ndef f():\n    global n\n    n = 1", "f()", "n", "n", ""),
    "a method that mutates": ("xs = [1]", "xs.append(2)", "xs", "", "xs"),
    "a method that does not": ("xs = [1]", "n = xs.count(2)", "xs", "n", ""),
    "a subscript that is assigned": ("d = {}", "d['a'] = 1", "d", "", "d"),
    "an attribute that is assigned": ("class A:\n    pass\na = A()", "a.x = 1", "a", "", "a"),
    "an item that is deleted": ("d = {'a': 1}", "del d['a']", "d", "", "d"),
    "an augmented number is bound, not mutated": ("n = 1", "n += 1", "n", "n", ""),
    "an augmented list is both": ("xs = [1]", "xs += [2]", "xs", "xs", "xs"),
    "what the cell itself made": ("x = 1", "xs = []\nxs.append(x)", "x", "xs", ""),
    "through an alias of this cell": ("xs = []", "d = xs\nd.append(1)", "xs", "d", "xs"),
    "through a loop over names": (
        "import pandas as pd\na = pd.DataFrame({'x': [1]})\nb = pd.DataFrame({'x': [1]})",
        "for d in [a, b]:\n    d['y'] = 1",
        "a b",
        "d",
        "a b",
    ),
    "through an item": ("box = {'k': []}", "inner = box['k']\ninner.append(1)", "box", "inner", "box"),
    "a container of it is not changed with it": ("xs = []\nbox = {'k': xs}", "box['n'] = 1", "box", "", "box"),
    "a new object is no alias": ("xs = []", "d = list(xs)\nd.append(1)", "xs", "d", ""),
    "inside a function": ("xs = []\ndef f(v):\n    v.append(1)", "f(xs)", "xs", "", "xs"),
    "a fitted estimator": (
        "from sklearn.linear_model import LinearRegression\nm = LinearRegression()\nX = [[1]]",
        "m.fit(X, [1])",
        "X m",
        "",
        "m",
    ),
    "an estimator that only predicts": (
        "from sklearn.linear_model import LinearRegression\nm = LinearRegression().fit([[1]], [1])\nX = [[1]]",
        "p = m.predict(X)",
        "X m",
        "p",
        "",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_names_of_a_cell(case: tuple[str, str, str, str, str], cells_of: Cells) -> None:
    before, cell, reads, binds, mutates = case
    *_, found = cells_of(f'# %%\n{before}\n# %% tags=["stage:train"]\n{cell}\n')
    assert (found.reads, found.binds, found.mutates) == (
        tuple(reads.split()),
        tuple(binds.split()),
        tuple(mutates.split()),
    )


def test_an_alias_of_an_earlier_cell_is_mutated_with_its_object(cells_of: Cells) -> None:
    *_, cell = cells_of("# %%\na = []\n# %%\nd = a\n# %%\nd.append(1)\n")
    assert cell.mutates == ("a", "d")
    assert dict(cell.changes)["a"].through == "d"


def test_an_alias_ends_when_its_name_is_bound_again(cells_of: Cells) -> None:
    *_, cell = cells_of("# %%\na = []\n# %%\nd = a\nd = []\n# %%\nd.append(1)\n")
    assert cell.mutates == ("d",)


def test_an_alias_outlives_an_augmented_assignment(cells_of: Cells) -> None:
    *_, cell = cells_of("# %%\na = []\nd = a\nd += [1]\n# %%\nd.append(2)\n")
    assert cell.mutates == ("a", "d")


def test_two_names_of_one_statement_are_aliases(cells_of: Cells) -> None:
    *_, cell = cells_of("# %%\na = b = []\n# %%\na.append(1)\n")
    assert cell.mutates == ("a", "b")


def test_what_an_unknown_function_may_do_is_kept_apart(cells_of: Cells) -> None:
    *_, cell = cells_of("# %%\nimport mystery\nxs = []\n# %%\nmystery.show(xs)\n")
    assert (cell.mutates, cell.may_change) == ((), ("xs",))


def test_what_a_helper_may_do_is_kept_apart_too(cells_of: Cells) -> None:
    *_, cell = cells_of("# %%\nimport mystery\ndef f(v):\n    mystery.show(v)\nxs = []\n# %%\nf(xs)\n")
    assert (cell.mutates, cell.may_change) == ((), ("xs",))


def test_functions_and_imports_stand_apart(cells_of: Cells) -> None:
    first, second = cells_of("# %%\nimport math\ndef f():\n    return 1\n# %%\nmath.floor(f())\n")
    assert (first.binds, first.defines, first.imports) == ((), ("f",), ("math",))
    assert (second.reads, second.uses) == ((), ("f", "math"))


def test_a_function_that_is_defined_twice_is_a_function_still(cells_of: Cells) -> None:
    percent = "# %%\nk = 2\ndef f():\n    return k\n# %%\ndef f():\n    return k + 1\n# %%\ny = f()\n"
    first, second, third = cells_of(percent)
    assert (first.binds, first.defines) == (("k",), ("f",))
    assert (second.reads, second.binds, second.defines) == ((), (), ("f",))
    assert (third.reads, third.uses) == (("k",), ("f",))


def test_a_skipped_cell_has_names_too(cells_of: Cells) -> None:
    percent = '# %% tags=["stage:train"]\nx = [1]\n# %% tags=["skip"]\ny = x\n# %%\nz = x\n'
    assert [(c.stage, c.reads, c.binds) for c in cells_of(percent)] == [
        ("train", (), ("x",)),
        (None, ("x",), ("y",)),
        ("train", ("x",), ("z",)),
    ]


def test_a_name_that_only_a_later_cell_binds_is_read(cells_of: Cells) -> None:
    first, _ = cells_of("# %%\ny = x\n# %%\nx = 1\n")
    assert first.reads == ("x",)
