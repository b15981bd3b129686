"""torch in an object graph: storages keep being shared, gradients come along, a lost autograd graph says so."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from nb2pipe.runtime.errors import StorageError
from nb2pipe.runtime.files import Bytes
from nb2pipe.runtime.formats.memory import Collected, entry
from nb2pipe.runtime.mapping import is_large


def reduce(obj: Any, collected: Collected) -> Any:
    """Storages, tensors and generators; ``None`` for all else."""
    torch: Any = sys.modules["torch"]
    if isinstance(obj, torch.UntypedStorage):
        if obj.device.type not in ("cpu", "cuda"):
            return None
        return entry, (collected.number("storage", (str(obj.device), obj.data_ptr() or id(obj)), obj),)
    if type(obj) is torch.storage.TypedStorage:
        return _typed, (obj._untyped_storage, obj.dtype)
    if isinstance(obj, torch.Tensor):
        return _reduce_tensor(obj)
    if type(obj) is torch.Generator:
        return _generator, (str(obj.device), obj.get_state())
    return None


def bounds(storage: Any) -> tuple[int, int]:
    """Lowest address and the one behind the highest."""
    return storage.data_ptr(), storage.data_ptr() + storage.nbytes()


def data_of(storage: Any) -> Bytes:
    """The storage's bytes."""
    torch: Any = sys.modules["torch"]
    on_cpu = storage if storage.device.type == "cpu" else storage.cpu()
    return memoryview(torch.tensor([], dtype=torch.uint8).set_(on_cpu).numpy())


def load_storage(device: str, data: memoryview) -> Any:
    """A storage: a large one on ``data``, others with memory of their own."""
    torch: Any = import_module("torch")
    if device == "cpu" and is_large(data):
        return torch.frombuffer(data, dtype=torch.uint8).untyped_storage()
    storage = torch.UntypedStorage(len(data))
    if len(data):
        memoryview(torch.tensor([], dtype=torch.uint8).set_(storage).numpy())[:] = data
    return storage if device == "cpu" else storage.cuda(torch.device(device).index)


def storage_on(segment: Any) -> Any:
    """A storage on memory that NumPy arrays use too."""
    import torch

    return torch.from_numpy(segment).untyped_storage()


def _reduce_tensor(tensor: Any) -> Any:
    if getattr(tensor, "_backward_hooks", None):
        raise StorageError("a tensor has hooks (register_hook); register them in the stage that needs them")
    if tensor.grad_fn is not None:
        return _without_graph, (tensor.detach(),)
    if tensor.is_leaf and tensor.grad is not None:
        function, arguments = tensor.__reduce_ex__(5)[:2]
        return function, arguments, tensor.grad, None, None, _set_grad
    return None


def _typed(storage: Any, dtype: Any) -> Any:
    torch: Any = import_module("torch")
    return torch.storage.TypedStorage(wrap_storage=storage, dtype=dtype, _internal=True)


def _set_grad(tensor: Any, grad: Any) -> None:
    tensor.grad = grad


def _generator(device: str, state: Any) -> Any:
    import torch

    generator = torch.Generator(device)
    generator.set_state(state)
    return generator


def _without_graph(data: Any) -> Any:
    """``data`` as a result of computations whose graph is gone: its values can be used, ``backward`` cannot."""
    import torch

    class GraphOfAnotherStage(torch.autograd.Function):
        @staticmethod
        def forward(_ctx: Any, _anchor: Any, values: Any) -> Any:
            return values.view_as(values)

        @staticmethod
        def backward(_ctx: Any, *_grads: Any) -> Any:
            raise RuntimeError(
                "backward() needs the computations that made this tensor, and they were made in an earlier stage: "
                "call backward() in the stage that computes the loss, or detach() the tensor there"
            )

    return GraphOfAnotherStage.apply(torch.zeros((), requires_grad=True), data)  # type: ignore[no-untyped-call]
