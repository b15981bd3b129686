"""Large values lie in the file they are loaded from: exactly the same, and nothing is copied."""

from __future__ import annotations

import copy
import datetime
import functools
import tracemalloc
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nb2pipe.runtime import mapping
from nb2pipe.runtime.files import digest_of
from nb2pipe.runtime.formats import array, format_for, graph
from tests.runtime.crossing import assert_same_frame, crossed, mapping_of

torch = pytest.importorskip("torch")

ROWS = mapping.LARGE // 4


def lies_in(found: Any, view: memoryview) -> bool:
    """Whether an array is part of the file."""
    return bool(np.shares_memory(found, np.frombuffer(view, np.uint8)))


def read_only() -> Any:
    values = np.arange(ROWS)
    values.flags.writeable = False
    return values


ARRAYS = {
    "ints": np.arange(ROWS),
    "big endian": np.arange(ROWS, dtype=">i8"),
    "cube": np.arange(24.0 * ROWS).reshape(2, 3, 4, -1).copy(),
    "fortran": np.asfortranarray(np.arange(6.0 * ROWS).reshape(3, -1)),
    "records": np.zeros(ROWS, dtype=[("name", "U5"), ("n", "i2")]),
    "text": np.array(["ab", "é"] * ROWS),
    "times": np.arange(ROWS).astype("M8[s]"),
    "read only": read_only(),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_a_large_array_stays_where_it_is_mapped(name: str) -> None:
    value = ARRAYS[name]
    form = format_for(value)
    parts = form.dump(value)
    view = mapping_of(parts)
    found = form.load(view)
    assert (found.dtype, found.shape, found.strides) == (value.dtype, value.shape, value.strides)
    assert found.flags.writeable == value.flags.writeable
    assert found.flags.f_contiguous == value.flags.f_contiguous
    assert found.flags.aligned
    assert found.__array_interface__["data"][0] % mapping.ALIGNMENT == 0
    assert found.tobytes("K") == value.tobytes("K")
    assert lies_in(found, view)
    assert format_for(found) is form
    assert digest_of(form.dump(found)) == digest_of(parts)


def test_a_view_of_a_mapped_array_is_a_view() -> None:
    found = array.load(mapping_of(array.dump(np.arange(ROWS))))
    assert array.can_store(found)
    for view in (found[:], found[5:], found.reshape(2, -1)):
        assert not array.can_store(view)
    base, view = crossed((found, found[3:9]))[1]
    view[0] = 99
    assert base[3] == 99
    assert view.base is base
    assert found[3] == 3


def test_a_view_and_its_base_share_the_mapping() -> None:
    base = np.arange(float(ROWS))
    parts = graph.dump((base[1:], base[2:6], np.arange(ROWS)))
    view = mapping_of(parts)
    first, second, other = graph.load(view)
    assert lies_in(first, view) and lies_in(other, view)
    second[0] = -1
    assert first[1] == -1
    assert other[2] == 2
    assert not np.shares_memory(first, other)


def test_shared_memory_is_not_copied_for_writing() -> None:
    tracemalloc.start()
    try:
        base = np.arange(float(ROWS))
        parts = graph.dump((base[1:], base[::-1][:-1], torch.from_numpy(base)))
        expected = base.tobytes()
        del base  # the parts keep what they are made of
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2.5 * len(expected)
    assert expected in b"".join(bytes(part) for part in parts)


def test_what_is_changed_is_not_changed_for_the_next() -> None:
    view = mapping_of(graph.dump({"x": np.zeros(ROWS), "t": torch.zeros(ROWS)}))
    with_changes = graph.load(view)
    again = graph.load(memoryview(bytearray(view)))
    with_changes["x"][:] = 1
    with_changes["t"].fill_(2)
    assert again["x"].sum() == again["t"].sum() == 0


def test_a_large_storage_stays_where_it_is_mapped() -> None:
    base = torch.arange(float(ROWS))
    parts = graph.dump({"base": base, "turned": base.view(2, -1).t()})
    view = mapping_of(parts)
    found = graph.load(view)
    assert lies_in(found["base"].numpy(), view)
    assert found["base"].data_ptr() % mapping.ALIGNMENT == 0
    assert found["turned"].stride() == (1, ROWS // 2)
    found["turned"][0, 1] = -5
    assert found["base"][ROWS // 2] == -5
    found["base"][ROWS // 2] = base[ROWS // 2]
    assert digest_of(graph.dump(found)) == digest_of(parts)


def test_an_array_and_a_tensor_share_the_mapping() -> None:
    values = np.arange(float(ROWS))
    tensor, values = crossed((torch.from_numpy(values), values))[1]
    tensor[1] = 9
    assert values[1] == 9


def test_a_model_is_trained_on() -> None:
    """Storages of mapped memory cannot grow, but all that training does with them works."""
    model = torch.nn.Linear(1024, 1024)
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(2, 1024)).sum().backward()
    optimizer.step()
    loaded, again = crossed((model, optimizer))[1]
    for module, steps in ((model, optimizer), (loaded, again)):
        steps.zero_grad()
        module(torch.ones(2, 1024)).sum().backward()
        steps.step()
    assert torch.equal(model.weight, loaded.weight)
    assert torch.equal(copy.deepcopy(loaded).weight, loaded.weight)
    loaded.share_memory()
    assert torch.equal(loaded.to(torch.float64).weight.float(), model.weight)


def categories() -> pd.DataFrame:
    frame = pd.DataFrame({"a": np.arange(float(ROWS)), "b": np.arange(ROWS), "c": np.arange(ROWS) / 7}).copy()
    frame["kind"] = pd.Categorical(["x", "y"] * (ROWS // 2))
    frame["text"] = pd.array([f"word {n}" for n in range(ROWS)], dtype="str")
    return frame


def test_a_large_table_of_a_graph_lies_in_its_file() -> None:
    frame = categories()
    tracemalloc.start()
    try:
        parts = graph.dump(frame)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        view = mapping_of(parts)
        tracemalloc.reset_peak()
        found = graph.load(view)
        _, loading = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < mapping.LARGE
    assert loading - before < mapping.LARGE
    assert_same_frame(found, frame)
    assert all(lies_in(block.values, view) for block in found._mgr.blocks if isinstance(block.values, np.ndarray))
    assert digest_of(graph.dump(found)) == digest_of(parts)


def test_the_first_rows_do_not_carry_all_text() -> None:
    rows = categories().head(3)
    assert graph.can_store(rows) and format_for(rows) is graph
    parts = graph.dump(rows)
    assert sum(len(part) for part in parts) < 10_000
    pd.testing.assert_frame_equal(graph.load(mapping_of(parts)), rows)


def test_pieces_are_aligned_in_the_file() -> None:
    sizes = [1001, mapping.LARGE + 3, 999, 1]
    data = b"".join(bytes(part) for part in graph.dump([np.full(size, 7, "u1") for size in sizes]))
    starts = [data.rindex(b"\0" + b"\7" * size) + 1 for size in sizes[:3]]
    assert all(start % mapping.ALIGNMENT == 0 for start in starts)
    assert len(data) == starts[2] + 1024 + 1


class Row:
    """A class of a module."""

    class Inner:
        """A class in it."""

    def method(self) -> None:
        """A method."""


def function() -> None:
    """A function of a module."""


named = lambda: None  # noqa: E731  a lambda with a name is what this is about


def test_a_graph_tells_what_it_names() -> None:
    def local() -> None: ...

    value = [
        Row(),
        Row(),
        {"inner": Row.Inner()},
        Row().method,
        function,
        functools.partial(function),
        named,
        local,
        len,
        datetime.date(2024, 1, 1),
        np.arange(3),
        pd.DataFrame({"a": [1]}),
        pd.concat,
        torch.nn.Linear(1, 1),
        mapping.Copied,
    ]
    parts, references = graph.dump_with_references(value)
    assert references == tuple(f"{__name__}:{name}" for name in ("Row", "Row.Inner", "Row.method", "function", "named"))
    assert digest_of(parts) == digest_of(graph.dump(value))
    assert graph.dump_with_references([1, "x", np.arange(3)])[1] == ()
