"""Names that live in ``helpers.py``: spelled as its attributes where Python would look for the notebook's variable."""

from __future__ import annotations

import libcst as cst
import pytest

from nb2pipe.emit.qualify import qualified

CASES = {
    "read": ("y = x + 1", "y = h.x + 1"),
    "bound": ("x = 1", "h.x = 1"),
    "added to": ("x += 1", "h.x += 1"),
    "deleted": ("del x", "del h.x"),
    "loop": ("for x in rows: pass", "for h.x in rows: pass"),
    "with": ("with open(p) as x: pass", "with open(p) as h.x: pass"),
    "unpacked": ("a, (x, *b) = rows", "a, (h.x, *b) = rows"),
    "attribute of another": ("a.x = x.x", "a.x = h.x.x"),
    "keyword": ("f(x=x)", "f(x=h.x)"),
    "f-string": ('t = f"{x:>{x}} {{x}}"', 't = f"{h.x:>{h.x}} {{x}}"'),
    "f-string that shows": ('t = f"{x=} {x + 1 = :>4}"', 't = f"x={h.x!r} x + 1 = {h.x + 1:>4}"'),
    "parameter": ("def f(x): return x", "def f(x): return x"),
    "default": ("def f(a=x): return a", "def f(a=h.x): return a"),
    "local": ("def f():\n    x = 1\n    return x", "def f():\n    x = 1\n    return x"),
    "free": ("def f():\n    return x", "def f():\n    return h.x"),
    "inner function": ("def f(x):\n    def g():\n        return x\n    return g", None),
    "lambda": ("k = lambda a, x=x: a + x", "k = lambda a, x=h.x: a + x"),
    "free in a lambda": ("k = lambda a: a + x", "k = lambda a: a + h.x"),
    "comprehension": ("k = [x for x in x]", "k = [x for x in h.x]"),
    "comprehension over two": (
        "k = {a: x for a in x for b in x if x}",
        "k = {a: h.x for a in h.x for b in h.x if h.x}",
    ),
    "class": (
        "class C:\n    before = x\n    x = x + 1\n    after = x\n    def f(self): return x",
        "class C:\n    before = h.x\n    x = h.x + 1\n    after = x\n    def f(self): return h.x",
    ),
    "base class": ("class D(x): pass", "class D(h.x): pass"),
    "match value": ("match y:\n    case x.A(): pass", "match y:\n    case h.x.A(): pass"),
    "asked for": ('known = "x" in locals()', 'known = "x" in vars(h)'),
    "fetched": ('value = locals()["x"]', 'value = vars(h)["x"]'),
    "another asked for": ('known = "y" in locals()', 'known = "y" in locals()'),
    "definition": ("def x(): return x", "def x(): return h.x\nh.x = x"),
    "import": ("import math as x", "import math as x\nh.x = x"),
}


@pytest.mark.parametrize("name", CASES)
def test_spelling(name: str) -> None:
    code, expected = CASES[name]
    body = list(cst.parse_module(code).body)
    changed = cst.Module(body=qualified(body, frozenset({"x"}), "h")).code  # type: ignore[arg-type]
    assert changed.strip() == (expected or code)
