"""Names that code reads and binds, scope by scope."""

from __future__ import annotations

import ast

import pytest

from nb2pipe.analysis.scopes import flow_of, scope_of

FLOWS = [
    # code, reads, binds on every path, binds on some path
    ("x = y", "y", "x", "x"),
    ("x = 1\nz = x", "", "x z", "x z"),
    ("x += 1", "x", "x", "x"),
    ("x: int = y", "int y", "x", "x"),
    ("x: int", "int", "", ""),
    ("a, (b, *c) = d", "d", "a b c", "a b c"),
    ("x[i] = v", "x i v", "", ""),
    ("x.y = v", "x v", "", ""),
    ("if c:\n    x = 1", "c", "", "x"),
    ("if c:\n    x = 1\nelse:\n    x = 2", "c", "x", "x"),
    ("if c:\n    x = 1\nelse:\n    raise e", "c e", "x", "x"),
    ("for i in r:\n    x = i", "r", "", "i x"),
    ("while c:\n    x = 1\nelse:\n    y = 2", "c", "y", "x y"),
    ("with open(p) as f:\n    x = f", "p open", "f x", "f x"),
    ("with suppress(E) as f:\n    x = f", "suppress E", "f", "f x"),
    ("try:\n    x = f()\nexcept E as e:\n    x = e", "f E", "x", "x"),
    ("try:\n    x = f()\nexcept E:\n    pass", "f E", "", "x"),
    ("try:\n    x = f()\nfinally:\n    y = 1", "f", "x y", "x y"),
    ("match v:\n    case [a, *b]:\n        x = 1", "v", "", "a b x"),
    ("match v:\n    case 1:\n        x = 1\n    case other:\n        x = 2", "v", "x", "x other"),
    ("y = [i * k for i in r if i]", "r k", "y", "y"),
    ("y = {i: j for i, j in r}", "r", "y", "y"),
    ("y = [last := i for i in r]", "r", "last y", "last y"),
    ("if (n := len(r)) > 1:\n    y = n", "len r", "n", "n y"),
    ("f = lambda a, b=d: a + b + g", "d g", "f", "f"),
    ("def f(a, b=d):\n    c = a + g\n    return c", "d g", "f", "f"),
    ("class C(B):\n    x = k\n    def m(self):\n        return g", "B k g", "C", "C"),
    ("class C:\n    x = 1\n    def m(self):\n        return x", "x", "C", "C"),
    ("import a.b, c as d", "", "a d", "a d"),
    ("from a import b as c", "", "c", "c"),
    ("del x", "x", "", ""),
    ("x = 1\ndel x", "", "", "x"),
]


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


@pytest.mark.parametrize(("code", "reads", "binds", "may_bind"), FLOWS, ids=[row[0] for row in FLOWS])
def test_flow(code: str, reads: str, binds: str, may_bind: str) -> None:
    flow = flow_of(ast.parse(code).body)
    assert (flow.reads, flow.binds, flow.may_bind) == (words(reads), words(binds), words(may_bind))


def test_a_loop_that_runs_binds_what_its_body_binds() -> None:
    assert flow_of(ast.parse("for i in r:\n    x = i").body).loop_binds == {"i", "x"}


def test_a_deleted_name_that_is_bound_again_is_not_deleted() -> None:
    assert flow_of(ast.parse("del x\nx = 1").body).deletes == frozenset()


SCOPES = [
    # function, names of the notebook that it reads, names that it binds there
    ("def f(a):\n    return a + g", "g", ""),
    ("def f():\n    global n\n    n += 1", "n", "n"),
    ("def f():\n    def inner():\n        return outer + own\n    own = 1\n    return inner", "outer", ""),
    ("def f():\n    k = 0\n    def inner():\n        nonlocal k\n        k += 1\n    return inner", "", ""),
    ("def f(xs):\n    return [x for x in xs if x > limit]", "limit", ""),
    ("def f():\n    import json\n    return json.dumps(data)", "data", ""),
    ("def f(*args, **kwargs):\n    return g(*args, **kwargs)", "g", ""),
    ("def f():\n    try:\n        return g()\n    except E as e:\n        return e", "g E", ""),
]


@pytest.mark.parametrize(("code", "free", "writes"), SCOPES, ids=[row[0] for row in SCOPES])
def test_scope(code: str, free: str, writes: str) -> None:
    node = ast.parse(code).body[0]
    assert isinstance(node, ast.FunctionDef)
    scope = scope_of(node)
    assert (scope.free, scope.writes) == (words(free), words(writes))
