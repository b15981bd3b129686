"""Tables as Arrow files: exactly the same again, without copies on the way."""

from __future__ import annotations

import datetime
import io
import json
import pickle
import subprocess
import sys
import tracemalloc
import zoneinfo
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from nb2pipe.runtime.files import digest_of
from nb2pipe.runtime.formats import format_for, table
from nb2pipe.runtime.mapping import LARGE
from tests.runtime.crossing import assert_same_frame, crossed, mapping_of

COLUMNS = {
    "int8": np.array([-128, 0, 127], dtype="int8"),
    "int16": np.array([1, 2, 3], dtype="int16"),
    "int32": np.array([1, 2, 3], dtype="int32"),
    "int64": np.array([-(2**63), 0, 2**63 - 1]),
    "uint8": np.array([0, 1, 255], dtype="uint8"),
    "uint16": np.array([0, 1, 2], dtype="uint16"),
    "uint32": np.array([0, 1, 2], dtype="uint32"),
    "uint64": np.array([0, 1, 2**64 - 1], dtype="uint64"),
    "float16": np.array([0.5, np.nan, -0.0], dtype="float16"),
    "float32": np.array([0.1, np.nan, -np.inf], dtype="float32"),
    "float64": np.array([-0.0, np.nan, 1e-308]),
    "bool": np.array([True, False, True]),
    "datetime64[s]": np.array(["2020-01-01", "NaT", "0001-01-01"], dtype="datetime64[s]"),
    "datetime64[ms]": np.array(["2020-01-01", "NaT", "0001-01-01"], dtype="datetime64[ms]"),
    "datetime64[us]": np.array(["2020-01-01", "NaT", "0001-01-01"], dtype="datetime64[us]"),
    "datetime64[ns]": np.array(["2020-01-01", "NaT", "1677-09-22"], dtype="datetime64[ns]"),
    "timedelta64[s]": np.array([1, "NaT", -(2**40)], dtype="timedelta64[s]"),
    "timedelta64[ns]": np.array([1, "NaT", -(2**63) + 1], dtype="timedelta64[ns]"),
    "datetime64[us, UTC]": pd.array(["2024-03-30", None, "2024-04-01"], dtype="datetime64[us, UTC]"),
    "datetime64[ns, Europe/Berlin]": pd.array(["2024-03-30", None, "2024-04-01"], dtype="M8[ns, Europe/Berlin]"),
    "str": pd.array(["a", None, "snow \N{SNOWMAN} \0 \N{GRINNING FACE}"], dtype="str"),
}


def all_columns() -> pd.DataFrame:
    return pd.DataFrame(COLUMNS)


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_crosses_as_arrow(name: str) -> None:
    frame = pd.DataFrame({"column": COLUMNS[name]})
    assert str(frame["column"].dtype) == name
    form, found = crossed(frame)
    assert form == "arrow"
    assert_same_frame(found, frame)


@pytest.mark.parametrize("name", ["float64", "float32"])
def test_floats_cross_bit_for_bit(name: str) -> None:
    bits = np.array([0x7FF8000000000001, 0xFFF8000000000000, 0x8000000000000000], dtype="uint64")
    values = bits.view("float64") if name == "float64" else (bits >> np.uint64(32)).astype("uint32").view("float32")
    _, found = crossed(pd.DataFrame({"x": values}))
    assert found["x"].to_numpy().tobytes() == values.tobytes()


def read_csv(rows: int = 3) -> pd.DataFrame:
    lines = (
        f"{n},{n / 7},{'' if n % 5 == 0 else n},word {n % 11},2024-01-{n % 28 + 1:02},{n % 2 == 0}" for n in range(rows)
    )
    return pd.read_csv(io.StringIO("\n".join(["a,b,c,d,e,f", *lines])), parse_dates=["e"])


def with_added_columns() -> pd.DataFrame:
    frame = read_csv(20)
    frame["twice"] = frame["a"] * 2
    frame["ratio"] = frame["b"] / frame["a"]
    frame["text"] = frame["d"] + "!"
    frame["now"] = pd.Timestamp("2024-05-06")
    frame.insert(1, "flag", frame["a"] > 3)
    return frame


def masked() -> pd.DataFrame:
    frame = read_csv(30).copy()
    return frame[frame["a"] % 3 > 0]


def with_read_only_column() -> pd.DataFrame:
    values = np.arange(3.0)
    values.flags.writeable = False
    return pd.DataFrame({"a": values}, copy=False)


def made_from(array: Any, **options: Any) -> pd.DataFrame:
    return pd.DataFrame(array, **options)


TABLES = {
    "each column alone": all_columns(),
    "joined by a copy": all_columns().copy(),
    "two in one block": pd.DataFrame({"a": [1, 2], "b": [3, 4], "c": [0.5, 1.5]}).copy(),
    "blocks that interleave": pd.DataFrame({"a": [1], "b": [2.0], "c": [3], "d": ["x"]}).copy(),
    "small types in one block": pd.DataFrame({"a": [True, False], "b": [False, True], "c": [True, True]}).copy(),
    "times in one block": pd.DataFrame({"a": COLUMNS["datetime64[us]"], "b": COLUMNS["datetime64[us]"]}).copy(),
    "zones in one block": pd.DataFrame(dict.fromkeys("abc", COLUMNS["datetime64[us, UTC]"])).copy(),
    "no rows": pd.DataFrame({"a": np.array([], dtype="int64"), "s": pd.array([], dtype="str")}),
    "read from a file": read_csv(50),
    "selected rows": masked().reset_index(drop=True),
    "selected rows with their labels": masked(),
    "added columns": with_added_columns(),
    "rows with text left out": read_csv(40).iloc[7:29],
    "the first rows": with_added_columns().head(3),
    "sorted": with_added_columns().sort_values("d", ascending=False),
    "merged": read_csv(20).merge(read_csv(30), on="a"),
    "one after the other": pd.concat([read_csv(3), read_csv(4)]),
    "columns in another order": with_added_columns()[["text", "a", "d", "ratio"]],
    "no missing values": read_csv(20).dropna(),
    "grouped": read_csv(40).groupby("d", as_index=False)[["a", "b"]].mean(),
    "grouped into labels": read_csv(40).groupby("d")[["a", "b"]].mean(),
    "as numbers": pd.get_dummies(read_csv(40), columns=["d"]),
    "range from one": pd.DataFrame({"a": [1, 2]}, index=pd.RangeIndex(1, 3)),
    "range by three, named": pd.DataFrame({"a": [1, 2]}, index=pd.RangeIndex(9, 3, -3, name="r")),
    "named index": pd.DataFrame({"a": [1]}).rename_axis("i"),
    "doubled labels": pd.DataFrame({"a": [1, 2]}, index=[5, 5]),
    "numbers as labels": pd.DataFrame({"a": [1, 2]}, index=pd.Index([0.5, np.nan], name="x")),
    "text as labels": pd.DataFrame({"a": [1, 2]}, index=pd.Index(["x", None], name="name", dtype="str")),
    "times as labels": pd.DataFrame({"a": [1, 2]}, index=pd.DatetimeIndex(["2024-01-01", None], tz="Europe/Berlin")),
    "durations as labels": pd.DataFrame({"a": [1, 2]}, index=pd.TimedeltaIndex(["1s", "3s"])),
    "doubled columns": pd.DataFrame([[1, 2]], columns=["a", "a"]),
    "numbers as columns": made_from(np.arange(6.0).reshape(3, 2)),
    "other numbers as columns": made_from(np.arange(6.0).reshape(3, 2), columns=[7, 3]),
    "objects as columns": made_from(np.arange(6.0).reshape(3, 2), columns=pd.Index(["a", "\udc80"], dtype=object)),
    "named columns": pd.DataFrame({"a": [1]}).rename_axis(columns="c"),
    "strange labels": pd.DataFrame({"": [1], "a\nb": [2], "\0": [3], "\N{SNOWMAN}": [4]}),
    "read only": with_read_only_column(),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_keeps_everything(name: str) -> None:
    form, found = crossed(TABLES[name])
    assert form == "arrow"
    assert_same_frame(found, TABLES[name])


def test_rows_of_a_table_come_together() -> None:
    """As pandas itself does when it pickles them."""
    frame = all_columns().copy()
    frame["int64 too"] = frame["int64"]
    for part in (frame.copy().iloc[1:], frame.copy().iloc[:2], frame.copy().iloc[1:2]):
        form, found = crossed(part)
        assert form == "arrow"
        assert_same_frame(found, pickle.loads(pickle.dumps(part)))


def test_a_table_from_a_file_is_writeable() -> None:
    _, found = crossed(all_columns())
    for column in found.columns:
        found.iloc[0, found.columns.get_loc(column)] = found[column].iloc[2]
    assert list(found.iloc[0].astype(str)) == list(found.iloc[2].astype(str))


def subclass() -> pd.DataFrame:
    class Sub(pd.DataFrame):
        pass

    return Sub({"a": [1]})


def described() -> pd.DataFrame:
    frame = pd.DataFrame({"a": [1]})
    frame.attrs["source"] = "x"
    return frame


NOT_PLAIN = {
    "levels": pd.DataFrame({("a", "b"): [1]}),
    "objects": pd.DataFrame({"a": [[1], None]}),
    "text as objects": pd.DataFrame({"a": pd.Series(["x", None], dtype=object)}),
    "big endian": pd.DataFrame({"a": np.array([1, 2], dtype=">i8")}),
    "complex": pd.DataFrame({"a": [1j]}),
    "categories": pd.DataFrame({"a": pd.Categorical(["x", "y"], ordered=True)}),
    "masked": pd.DataFrame({"a": pd.array([1, None], dtype="Int64")}),
    "fixed zone": pd.DataFrame(
        {"a": pd.DatetimeIndex(["2024-01-01"], tz=datetime.timezone(datetime.timedelta(hours=2)))}
    ),
    "zone of one's own": pd.DataFrame(
        {"a": pd.DatetimeIndex(["2024-01-01"], tz=zoneinfo.ZoneInfo.no_cache("Europe/Berlin"))}
    ),
    "periods": pd.DataFrame({"a": pd.period_range("2024", periods=2, freq="Q")}),
    "sparse": pd.DataFrame({"a": pd.arrays.SparseArray([0, 0, 1])}),
    "NA text": pd.DataFrame({"a": pd.array(["x", None], dtype="string")}),
    "very many columns": pd.DataFrame(np.zeros((1, 5000))),
    "no columns": pd.DataFrame(index=pd.RangeIndex(3)),
    "every day": pd.DataFrame({"a": [1, 2]}, index=pd.date_range("2024-01-01", periods=2)),
    "rows together": pd.DataFrame(np.arange(6.0).reshape(3, 2), columns=["a", "b"], copy=False),
    "every other row": pd.DataFrame({"a": np.arange(10.0)[::2]}, copy=False),
    "flags": pd.DataFrame({"a": [1]}).set_flags(allows_duplicate_labels=False),
    "attributes": described(),
    "number as name": pd.DataFrame({"a": [1]}).rename_axis(3),
    "mixed labels": pd.DataFrame([[1, 2]], columns=["a", 1]),
}


@pytest.mark.parametrize("name", NOT_PLAIN)
def test_a_table_that_is_not_plain_crosses_as_a_graph(name: str) -> None:
    form, found = crossed(NOT_PLAIN[name])
    assert form == "graph"
    pd.testing.assert_frame_equal(found, NOT_PLAIN[name], check_freq=True, check_flags=True)
    assert found.attrs == NOT_PLAIN[name].attrs


def test_a_subclass_is_no_table() -> None:
    assert not table.can_store(subclass())


def large(rows: int = LARGE) -> pd.DataFrame:
    frame = pd.DataFrame({"a": np.arange(rows, dtype=float), "b": np.arange(rows), "c": np.arange(rows) / 3}).copy()
    frame["d"] = frame["a"] * 2
    frame["flag"] = frame["b"] % 2 == 0
    frame["text"] = pd.array(pa.array(["a", None, "snow \N{SNOWMAN}"] * (rows // 3) + ["z"] * (rows % 3)), dtype="str")
    return frame


def test_writing_copies_nothing() -> None:
    frame = large()
    allocated = pa.total_allocated_bytes()
    tracemalloc.start()
    try:
        parts = table.dump(frame)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(len(part) for part in parts) > 40 * LARGE
    assert peak < 8 * LARGE  # the bits for missing texts are worked out
    assert pa.total_allocated_bytes() - allocated < LARGE
    starts = {np.frombuffer(part, np.uint8).ctypes.data for part in parts if len(part) >= LARGE}
    own = [block.values for block in frame._mgr.blocks if isinstance(block.values, np.ndarray)]
    assert {row.ctypes.data for values in own for row in values} <= starts
    text = frame["text"].array._pa_array.chunk(0)
    assert {buffer.address for buffer in text.buffers()[1:]} <= starts


def test_a_large_table_lies_in_its_file() -> None:
    frame = large()
    view = mapping_of(table.dump(frame))
    tracemalloc.start()
    try:
        found = table.load(view)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < LARGE
    whole = np.frombuffer(view, np.uint8)
    assert_same_frame(found, frame)
    blocks = [block.values for block in found._mgr.blocks if isinstance(block.values, np.ndarray)]
    assert len(blocks) == 4
    assert all(np.shares_memory(values, whole) for values in blocks)
    text = found["text"].array._pa_array.chunk(0).buffers()[2]
    assert whole.ctypes.data <= text.address < whole.ctypes.data + len(whole)
    found.loc[5, "a"] = -1.0
    found.loc[5, "text"] = "new"
    assert found["c"].tolist() == frame["c"].tolist()
    assert (found["a"].sum(), found.loc[5, "text"]) == (frame["a"].sum() - 6, "new")


def test_columns_with_gaps_between_come_together_again() -> None:
    frame = pd.DataFrame({name: np.arange(1001, dtype="float32") + n for n, name in enumerate("abc")}).copy()
    assert len(frame._mgr.blocks) == 1
    _, found = crossed(frame)
    assert_same_frame(found, frame)


def test_other_readers_understand_the_file() -> None:
    frame = read_csv(30)
    frame.loc[3, "e"] = pd.NaT
    frame["f"] = frame["f"].astype("int8")
    read = pa.ipc.open_file(mapping_of(table.dump(frame))).read_all().to_pandas()
    pd.testing.assert_frame_equal(read, frame)


def test_equal_text_gives_equal_bytes() -> None:
    """Chunks, and what lies before, behind and under the texts, are Arrow's own affair."""
    words = ["a", None, "ccc", "", "e"]
    array = pa.array(words, pa.large_string())
    hidden = pa.Array.from_buffers(
        pa.large_string(), 5, [pa.py_buffer(b"\xfd"), *array.buffers()[1:]]
    )  # bits behind the last row
    variants = [
        pa.chunked_array([array]),
        pa.chunked_array([array[:2], array[2:]]),
        pa.chunked_array([pa.array(["x", "y", *words, "z"], pa.large_string())[2:-1]]),
        pa.chunked_array([hidden]),
    ]
    frames = [pd.DataFrame({"s": pd.array(variant, dtype="str")}) for variant in variants]
    assert len({digest_of(table.dump(frame)) for frame in frames}) == 1


SCRIPT = """
from tests.runtime.test_tables import TABLES, digests
import json, sys
json.dump(digests(), sys.stdout)
"""


def digests() -> dict[str, str]:
    """The digest of every table here."""
    return {name: digest_of(format_for(frame).dump(frame))[0] for name, frame in TABLES.items()}


def test_every_process_writes_the_same_bytes() -> None:
    process = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert json.loads(process.stdout) == digests()


def test_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "_VERSION", 2)
    parts = table.dump(pd.DataFrame({"a": [1]}))
    monkeypatch.undo()
    with pytest.raises(Exception, match="not a table of this version"):
        table.load(mapping_of(parts))
