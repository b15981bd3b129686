"""Store formats: what is stored comes back exactly, sharing and layout in memory included."""

from __future__ import annotations

import datetime
import functools
import math
import re
from collections import OrderedDict, defaultdict, deque
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nb2pipe.runtime.errors import StorageError
from nb2pipe.runtime.formats import format_for, graph
from tests.runtime.crossing import mapping_of

torch = pytest.importorskip("torch")


def stored(value: Any) -> tuple[str, Any]:
    """The format and what it gives back."""
    form = format_for(value)
    return form.NAME, form.load(mapping_of(form.dump(value)))


def back(value: Any) -> Any:
    """``value`` after a crossing."""
    return stored(value)[1]


def test_attributes_cross() -> None:
    frame = pd.DataFrame({"a": [1]})
    frame.attrs["source"] = "x"
    assert back(frame).attrs == {"source": "x"}


ARRAYS = {
    "ints": np.arange(3),
    "big endian": np.arange(3, dtype=">i4"),
    "scalar": np.array(5),
    "empty": np.empty((0, 3)),
    "half": np.array([0.1, 65504], dtype="float16"),
    "long": np.array([1], dtype="longdouble") / 3,
    "complex": np.array([1 - 0j]),
    "text": np.array(["ab", "é"]),
    "bytes": np.array([b"ab", b"c\0d"]),
    "times": np.array(["2020", "NaT"], dtype="M8[D]"),
    "fortran": np.asfortranarray(np.arange(6).reshape(2, 3)),
    "every other": np.arange(10)[::2],
    "backwards": np.arange(10)[::-3],
    "columns": np.arange(12.0).reshape(3, 4)[:, 1:3],
    "turned": np.arange(24).reshape(2, 3, 4).transpose(2, 0, 1),
    "repeated": np.broadcast_to(np.arange(3), (4, 3)),
    "record": np.array([("a", 1, 2.5)], dtype=[("name", "U5"), ("n", "i2"), ("v", "f4")]),
    "aligned record": np.zeros(2, dtype=np.dtype([("a", "i1"), ("b", "f8")], align=True)),
    "objects": np.array([[1], {"k": 1}, None], dtype=object),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_keeps_values_type_and_layout(name: str) -> None:
    array = ARRAYS[name]
    found = back(array)
    assert (found.dtype, found.shape, found.tolist()) == (array.dtype, array.shape, array.tolist())
    assert found.strides == array.strides or not array.size
    assert found.flags.writeable == array.flags.writeable


def test_only_plain_arrays_are_npy() -> None:
    plain = {"ints", "big endian", "scalar", "empty", "half", "long", "complex", "text", "bytes", "times"}
    assert {name for name, array in ARRAYS.items() if stored(array)[0] == "npy"} == plain


def test_an_array_owns_its_memory_again() -> None:
    for array in (np.arange(4), np.asfortranarray(np.ones((2, 3)))):
        assert back(array).flags.owndata


def test_a_read_only_array_stays_read_only() -> None:
    array = np.arange(3)
    array.flags.writeable = False
    assert not back([array])[0].flags.writeable


def test_a_view_and_its_base_share_memory() -> None:
    base = np.arange(10.0)
    base, view, other = back((base, base[2:6], np.arange(3)))
    view[0] = 99
    assert base[2] == 99
    assert not np.shares_memory(base, other)


def test_views_of_objects_share_them() -> None:
    base = np.array([[1], [2], [3]], dtype=object)
    base, view = back((base, base[::-1]))
    view[0] = "x"
    assert base[2] == "x"


def test_a_small_view_does_not_carry_its_base() -> None:
    base = np.zeros(100_000)
    assert sum(len(part) for part in graph.dump([base[::1000]])) < 5_000


def test_masked_arrays_cross() -> None:
    found = back(np.ma.array([1, 2, 3], mask=[0, 1, 0], fill_value=-9))
    assert (found.tolist(), found.fill_value) == ([1, None, 3], -9)


def test_tables_that_shared_memory_are_independent() -> None:
    """pandas copies on write; what it shares it must know, and it does not know what a pickle shares."""
    frame = pd.DataFrame({"a": [1, 2], "b": [0.5, 1.5]})
    frame, column, shallow = back((frame, frame["b"], frame.copy(deep=False)))
    column.iloc[0] = 99
    shallow.iloc[1, 1] = 77
    assert frame["b"].tolist() == [0.5, 1.5]


def test_an_index_does_not_follow_its_column() -> None:
    frame = pd.DataFrame({"a": [1, 2]})
    frame.index = frame["a"]
    found = back(frame)
    found.iloc[0, 0] = 9
    assert found.index.tolist() == [1, 2]


def test_objects_stay_shared_and_cyclic() -> None:
    inner: list[Any] = [1]
    inner.append(inner)
    first, second, columns = back((inner, {"x": inner}, pd.Series([inner], dtype=object)))
    assert first is second["x"] is columns.iloc[0] is first[1]


VALUES = [
    None,
    2**200 + 1,
    complex(1, -0.0),
    b"\x00\xff",
    "snow \N{SNOWMAN} \udc80",
    Decimal("1.10"),
    PurePosixPath("a/b"),
    datetime.datetime(2024, 2, 29, tzinfo=datetime.timezone(datetime.timedelta(hours=2))),
    (1, (2, 3), [4]),
    {3, 1},
    {frozenset({"a"}): 1, (0, 1): 2, None: 3, True: 4},
    OrderedDict(b=1, a=2),
    defaultdict(list, a=[1]),
    deque([1, 2], maxlen=2),
    re.compile("a+"),
    np.int32(7),
    pd.Timestamp("2024-01-01", tz="UTC"),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_keeps_type_and_content(value: Any) -> None:
    found = back(value)
    assert (type(found), found) == (type(value), value)


def test_functions_cross() -> None:
    def local(x: int) -> int:
        return x + 1

    assert back(functools.partial(local, 2))() == 3
    assert back(len) is len


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        pytest.param((n for n in range(3)), "cannot pickle 'generator' object", id="generator"),
        pytest.param(open(__file__), "cannot pickle '_io.TextIOWrapper' object", id="file"),  # noqa: PTH123, SIM115
        pytest.param({}.keys(), "cannot pickle 'dict_keys' object", id="keys"),
        pytest.param(memoryview(b"x"), "cannot pickle memoryview objects", id="memoryview"),
    ],
)
def test_what_cannot_be_stored_says_why(value: Any, reason: str) -> None:
    with pytest.raises(StorageError, match=re.escape(reason)):
        graph.dump(value)


def test_the_same_value_gives_the_same_bytes() -> None:
    parts = [b"".join(bytes(part) for part in graph.dump({"a": np.arange(3), "b": [1]})) for _ in range(2)]
    assert parts[0] == parts[1]


def test_tensors_share_storage() -> None:
    base = torch.arange(6.0)
    base, view = back((base, base.view(2, 3).t()))
    view[0, 0] = 100
    assert base[0] == 100
    assert view.stride() == (1, 3)


def test_a_tensor_and_an_array_share_memory() -> None:
    array = np.arange(4.0)
    tensor, array = back((torch.from_numpy(array), array))
    tensor[1] = 9
    assert array[1] == 9


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.int8, torch.bool, torch.complex64])
def test_a_tensor_keeps_its_type(dtype: Any) -> None:
    tensor = torch.ones(3, dtype=dtype)
    found = back(tensor)
    assert found.dtype == dtype
    assert torch.equal(found, tensor)


def test_an_optimizer_keeps_its_model() -> None:
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(2)).sum().backward()
    optimizer.step()
    model.eval()
    model, optimizer = back((model, optimizer))
    assert optimizer.param_groups[0]["params"][0] is model.weight
    assert not model.training
    assert torch.equal(model.weight.grad, torch.ones(1, 2))
    before = model.weight.detach().clone()
    optimizer.step()
    assert not torch.equal(model.weight, before)


def test_tied_weights_stay_tied() -> None:
    embedding, head = torch.nn.Embedding(4, 3), torch.nn.Linear(3, 4, bias=False)
    head.weight = embedding.weight
    embedding, head = back((embedding, head))
    assert head.weight is embedding.weight


def test_a_loss_keeps_its_value_but_says_that_its_graph_is_gone() -> None:
    weight = torch.ones(2, requires_grad=True)
    loss = back((weight * 3).sum())
    assert (loss.item(), loss.requires_grad, loss.is_leaf) == (6.0, True, False)
    with pytest.raises(RuntimeError, match="call backward"):
        loss.backward()


def test_a_tensor_with_hooks_is_refused() -> None:
    weight = torch.ones(2, requires_grad=True)
    weight.register_hook(lambda grad: grad * 2)
    with pytest.raises(StorageError, match="hooks"):
        graph.dump(weight)


def test_a_torch_generator_goes_on() -> None:
    generator = torch.Generator().manual_seed(3)
    found = back(generator)
    assert torch.equal(torch.rand(3, generator=generator), torch.rand(3, generator=found))


def test_a_nan_stays_one_object() -> None:
    own = float("nan")
    values = back({"own": own, "list": [1.0, own, np.nan, math.nan], "keys": {own: "found"}})
    assert values["list"].index(values["own"]) == 1
    assert values["keys"][values["own"]] == "found"
    assert values["list"][2] is np.nan
    assert values["list"][3] is math.nan


class BadRow(ValueError):
    """An exception whose arguments are not those of its class."""

    def __init__(self, row: int, reason: str) -> None:
        super().__init__(f"row {row}: {reason}")
        self.row = row


def test_an_exception_crosses_with_what_it_knows() -> None:
    try:
        try:
            raise KeyError("first")
        except KeyError as error:
            raise BadRow(3, "negative") from error
    except BadRow as error:
        caught = error
    again = back(caught)
    assert (type(again), str(again), again.row) == (BadRow, "row 3: negative", 3)
    assert isinstance(again.__cause__, KeyError)


def test_a_closed_file_crosses_closed(tmp_path: Path) -> None:
    with (tmp_path / "rows.txt").open("w", encoding="utf-8") as file:
        file.write("1\n")
    again = back(file)
    assert (again.closed, again.name, again.mode) == (True, file.name, "w")


def test_a_view_keeps_its_base() -> None:
    image = np.zeros((4, 6))
    crop = image[1:3, 2:5]
    again = back({"crop": crop, "image": image})
    again["crop"][:] = 7
    assert again["crop"].base is again["image"]
    assert again["image"].sum() == 42


def counting(start: int) -> tuple[Any, Any]:
    total = start

    def add(step: int) -> int:
        nonlocal total
        total += step
        return total

    def get() -> int:
        return total

    return add, get


LIMIT = 3


def limited() -> Any:
    return lambda value: min(value, LIMIT)


def test_closures_go_on_sharing_their_variables() -> None:
    add, get = back(counting(6))
    add(4)
    assert get() == 10


def test_a_function_that_calls_itself_crosses() -> None:
    def fall(n: int) -> int:
        fall.calls += 1  # type: ignore[attr-defined]
        return n if n == 0 else fall(n - 1)

    fall.calls = 0  # type: ignore[attr-defined]
    again = back(fall)
    assert (again(3), again.calls, again.__name__) == (0, 4, "fall")


def test_a_function_sees_its_module_change(monkeypatch: pytest.MonkeyPatch) -> None:
    again = back(limited())
    monkeypatch.setitem(again.__globals__, "LIMIT", 7)
    assert again(9) == 7
    assert again.__globals__ is globals()


twice = lambda value: value * 2  # noqa: E731  a lambda with a name is what this is about


def test_a_lambda_of_a_module_stays_the_one_it_is() -> None:
    again = back([twice, {"f": twice}])
    assert again[0] is again[1]["f"] is twice
