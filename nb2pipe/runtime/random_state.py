"""The state of the global random number generators, as a value that goes from stage to stage.

Covered are ``random``, NumPy's legacy global generator and torch (CPU and CUDA), each only when its library is
loaded. A package imports its libraries when it is imported, so every stage has the same ones; a library that
was not loaded when the state was captured is left as it is.
"""

from __future__ import annotations

import random
import sys
from typing import Any

_restored_cuda: list[Any] | None = None  # what restore() gave to CUDA, which may not be awake yet


def capture() -> dict[str, Any]:
    """The state now."""
    state: dict[str, Any] = {"random": random.getstate()}
    numpy = sys.modules.get("numpy.random")
    if numpy is not None:
        state["numpy"] = numpy.get_state(legacy=False)
    torch = sys.modules.get("torch")
    if torch is not None:
        state["torch"] = torch.get_rng_state().numpy().tobytes()
        cuda = _cuda_state(torch)
        if cuda is not None:
            state["cuda"] = cuda
    return state


def restore(state: dict[str, Any]) -> None:
    """Continue from ``state``, bit for bit."""
    global _restored_cuda
    random.setstate(state["random"])
    if "numpy" in state:
        import numpy.random  # NumPy itself loads it only when somebody asks for it, which may be later in the stage

        numpy.random.set_state(state["numpy"])
    torch = sys.modules.get("torch")
    if torch is not None and "torch" in state:
        torch.set_rng_state(_tensor(torch, state["torch"]))
        if "cuda" in state:
            _restored_cuda = state["cuda"]
            torch.cuda.set_rng_state_all([_tensor(torch, device) for device in state["cuda"]])


def _cuda_state(torch: Any) -> list[bytes] | None:
    """CUDA's state, or ``None`` when nobody has drawn from it or seeded it.

    Waking CUDA takes a second and memory on the device, so a stage that did not touch it hands on what it got.
    """
    if not torch.cuda.is_initialized():
        seeded: Any = getattr(getattr(torch.cuda, "_lazy_seed_tracker", None), "get_calls", list)()
        if not (seeded and torch.cuda.is_available()):
            return _restored_cuda
    return [device.numpy().tobytes() for device in torch.cuda.get_rng_state_all()]


def _tensor(torch: Any, data: bytes) -> Any:
    return torch.frombuffer(bytearray(data), dtype=torch.uint8)
