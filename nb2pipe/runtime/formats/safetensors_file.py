"""Plain tensors, alone or by name in a dict, as a safetensors file: other programs read it, nothing in it runs.

The file is written and read here (https://github.com/huggingface/safetensors#format), because the package itself
copies the tensors several times; so what is stored is the same whether the package is there or not. Tensors are laid
out so that as many as possible start at an aligned place; those are views of the mapped file when they are large.
"""

from __future__ import annotations

import json
import math
import sys
from itertools import pairwise
from typing import Any

from nb2pipe.runtime.errors import StorageError
from nb2pipe.runtime.files import Bytes
from nb2pipe.runtime.mapping import ALIGNMENT, is_large, padding

NAME = "safetensors"

_KEY = "nb2pipe"  # in the metadata of the file: the names in the order of the dict, or nothing for a tensor alone
_ALONE = "tensor"
_CODES = {
    "float64": "F64",
    "float32": "F32",
    "float16": "F16",
    "bfloat16": "BF16",
    "int64": "I64",
    "int32": "I32",
    "int16": "I16",
    "int8": "I8",
    "uint8": "U8",
    "bool": "BOOL",
}
_NAMES = {code: name for name, code in _CODES.items()}


def can_store(value: Any) -> bool:
    """Whether ``value`` is a tensor, or a dict of tensors, with nothing about them that the file would lose."""
    torch = sys.modules.get("torch")
    if torch is None:
        return False
    if type(value) is torch.Tensor:
        return _is_plain(torch, value)
    return (
        type(value) is dict
        and len(value) > 0
        and all(type(tensor) is torch.Tensor for tensor in value.values())
        and all(type(name) is str and name.isprintable() and name != "__metadata__" for name in value)
        and all(_is_plain(torch, tensor) for tensor in value.values())
        and _are_apart(list(value.values()))
    )


def dump(value: Any) -> list[Bytes]:
    """The header and the tensors' own memory."""
    named = value if type(value) is dict else {_ALONE: value}
    order = list(named) if type(value) is dict else None
    header: dict[str, Any] = {"__metadata__": {_KEY: json.dumps(order)}}
    position = 0
    parts: list[Bytes] = []
    for name, tensor in sorted(named.items(), key=lambda item: _place(item[1])):
        end = position + _size(tensor)
        code = _CODES[str(tensor.dtype).removeprefix("torch.")]
        header[name] = {"dtype": code, "shape": list(tensor.shape), "data_offsets": [position, end]}
        parts.append(_bytes(tensor))
        position = end
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * padding(8 + len(text))
    return [len(text).to_bytes(8, "little"), text, *parts]


def load(data: memoryview) -> Any:
    """The tensor or the dict; large tensors lie in ``data`` itself."""
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(bytes(data[8:start]))
    order = json.loads(header.pop("__metadata__")[_KEY])
    found = {name: _tensor(entry, data[start:]) for name, entry in header.items()}
    if order is None:
        return found[_ALONE]
    if len(order) != len(found):
        raise StorageError("not a file of tensors of this version of nb2pipe")
    return {name: found[name] for name in order}


def _is_plain(torch: Any, tensor: Any) -> bool:
    return (
        tensor.layout is torch.strided
        and tensor.device.type == "cpu"
        and str(tensor.dtype).removeprefix("torch.") in _CODES
        and not tensor.requires_grad
        and tensor.grad_fn is None
        and tensor.grad is None
        and not getattr(tensor, "_backward_hooks", None)
        and not tensor.__dict__
        and not tensor.is_neg()
        and not tensor.is_inference()
        and not tensor.is_quantized
        and tensor.stride() == _strides(tensor.shape)
        and tensor.storage_offset() == 0
        and tensor.untyped_storage().nbytes() == _size(tensor)
    )


def _strides(shape: Any) -> tuple[int, ...]:
    """Those that torch gives to a new tensor."""
    return tuple(math.prod(max(length, 1) for length in shape[axis + 1 :]) for axis in range(len(shape)))


def _are_apart(tensors: list[Any]) -> bool:
    """Whether no two tensors have memory in common."""
    if len({tensor.untyped_storage()._cdata for tensor in tensors}) < len(tensors):
        return False
    extents = sorted((tensor.data_ptr(), tensor.data_ptr() + _size(tensor)) for tensor in tensors if _size(tensor))
    return all(end <= start for (_, end), (start, _) in pairwise(extents))


def _size(tensor: Any) -> int:
    return int(tensor.numel() * tensor.element_size())


def _place(tensor: Any) -> tuple[bool, int]:
    """Where a tensor goes: those that keep the next one aligned first, then those of large elements; else in order."""
    return _size(tensor) % ALIGNMENT != 0, -tensor.element_size()


def _bytes(tensor: Any) -> Bytes:
    torch: Any = sys.modules["torch"]
    return memoryview(tensor.reshape(-1).view(torch.uint8).numpy()) if _size(tensor) else b""


def _tensor(entry: dict[str, Any], data: memoryview) -> Any:
    import torch

    dtype = getattr(torch, _NAMES[entry["dtype"]])
    first, end = entry["data_offsets"]
    if first == end:
        return torch.empty(entry["shape"], dtype=dtype)
    part = data[first:end]
    values = torch.frombuffer(part, dtype=dtype)
    if not is_large(part) or values.data_ptr() % ALIGNMENT:
        values = values.clone()
    empty = torch.empty(0, dtype=dtype)  # reshape would give a view
    return empty.set_(values.untyped_storage(), 0, entry["shape"], _strides(entry["shape"]))
