"""Plain tensors as safetensors files: exactly the same again, and readable for others."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nb2pipe.runtime.formats import safetensors_file
from nb2pipe.runtime.mapping import ALIGNMENT, LARGE
from tests.runtime.crossing import crossed, mapping_of

torch = pytest.importorskip("torch")

ROWS = LARGE // 4

TENSORS = {
    "floats": torch.tensor([-0.0, float("nan"), 1e-42]),
    "doubles": torch.arange(6, dtype=torch.float64).reshape(2, 1, 3),
    "halves": torch.ones(3, dtype=torch.float16),
    "brains": torch.ones(3, dtype=torch.bfloat16),
    "flags": torch.tensor([True, False, True]),
    "bytes": torch.arange(256, dtype=torch.uint8),
    "small": torch.arange(-128, 128, dtype=torch.int8),
    "shorts": torch.arange(3, dtype=torch.int16),
    "ints": torch.arange(3, dtype=torch.int32),
    "scalar": torch.tensor(2**62),
    "empty": torch.empty(0),
    "empty, with a shape": torch.empty((2, 0, 3)),
    "large": torch.arange(float(ROWS)).reshape(-1, 64),
}


def assert_same_tensor(found: Any, tensor: Any) -> None:
    assert (type(found), found.dtype, found.shape) == (type(tensor), tensor.dtype, tensor.shape)
    assert (found.stride(), found.storage_offset()) == (tensor.stride(), tensor.storage_offset())
    assert found.untyped_storage().nbytes() == tensor.untyped_storage().nbytes()
    assert not found.requires_grad
    assert not found._is_view()
    if tensor.numel():
        assert torch.equal(found.reshape(-1).view(torch.uint8), tensor.reshape(-1).view(torch.uint8))
    assert found.numel() == 0 or found.data_ptr() % ALIGNMENT == 0


@pytest.mark.parametrize("name", TENSORS)
def test_a_tensor_crosses_as_safetensors(name: str) -> None:
    form, found = crossed(TENSORS[name])
    assert form == "safetensors"
    assert_same_tensor(found, TENSORS[name])


def test_a_dict_keeps_its_order() -> None:
    value = {name: TENSORS[name] for name in reversed(TENSORS)} | {"tensor": torch.ones(1), "": torch.zeros(2)}
    form, found = crossed(value)
    assert form == "safetensors"
    assert (type(found), list(found)) == (dict, list(value))
    for name, tensor in value.items():
        assert_same_tensor(found[name], tensor)


def test_large_tensors_stay_where_they_are_mapped() -> None:
    value = {"odd": torch.ones(ROWS + 1), "even": torch.ones(ROWS), "other": torch.ones(3 * ROWS, dtype=torch.int64)}
    value |= {"odd too": torch.ones(ROWS + 3)}
    view = mapping_of(safetensors_file.dump(value))
    whole = np.frombuffer(view, np.uint8)
    found = safetensors_file.load(view)
    assert {name for name, tensor in found.items() if np.shares_memory(tensor.numpy(), whole)} >= {
        "even",
        "other",
        "odd",
    }
    for name, tensor in value.items():
        assert_same_tensor(found[name], tensor)
        found[name].zero_()
    assert all(tensor.sum() == 0 for tensor in found.values())


def with_attribute() -> Any:
    tensor = torch.ones(3)
    tensor.note = "x"
    return tensor


def twice() -> Any:
    tensor = torch.ones(3)
    return {"a": tensor, "b": tensor}


MEMORY = np.arange(4.0)
OTHERS = {
    "view": torch.arange(6.0)[2:],
    "start of a storage": torch.arange(6.0)[:2],
    "turned": torch.arange(6.0).reshape(2, 3).t(),
    "odd strides": torch.arange(3.0).as_strided((1, 3), (7, 1)),
    "spread": torch.ones(1).expand(3),
    "with gradient": torch.ones(3, requires_grad=True),
    "parameter": torch.nn.Parameter(torch.ones(3), requires_grad=False),
    "complex": torch.ones(3, dtype=torch.complex64),
    "negative": torch.ones(3, dtype=torch.complex64).conj().imag,
    "sparse": torch.eye(3).to_sparse(),
    "attribute": with_attribute(),
    "same tensor": twice(),
    "same storage": {"a": (tensor := torch.arange(4.0)), "b": tensor.view(2, 2)},
    "same memory": {"a": torch.from_numpy(MEMORY), "b": torch.from_numpy(MEMORY)},
    "ordered": OrderedDict(a=torch.ones(3)),
    "state of a model": torch.nn.Linear(2, 2).state_dict(),
    "no tensors": {},
    "something else too": {"a": torch.ones(3), "b": 1},
    "numbers as names": {1: torch.ones(3)},
    "name of the metadata": {"__metadata__": torch.ones(3)},
    "no Unicode": {"\udc80": torch.ones(3)},
    "list": [torch.ones(3)],
}


@pytest.mark.parametrize("name", OTHERS)
def test_all_else_crosses_as_a_graph(name: str) -> None:
    form, found = crossed(OTHERS[name])
    assert form == "graph"
    assert type(found) is type(OTHERS[name])


def test_other_programs_read_the_file(tmp_path: Path) -> None:
    library = pytest.importorskip("safetensors.torch")
    path = tmp_path / "tensors.safetensors"
    path.write_bytes(b"".join(bytes(part) for part in safetensors_file.dump(TENSORS)))
    found = library.load_file(path)
    assert set(found) == set(TENSORS)
    for name, tensor in TENSORS.items():
        assert found[name].dtype == tensor.dtype
        assert found[name].shape == tensor.shape
        assert torch.equal(found[name], tensor) or name == "floats"
