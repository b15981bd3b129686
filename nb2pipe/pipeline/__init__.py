"""Planning: :class:`~nb2pipe.analysis.Facts` → :class:`~nb2pipe.pipeline.model.Pipeline`. Pure; no engine is needed."""

from nb2pipe.pipeline.model import Pipeline
from nb2pipe.pipeline.plan import Planned, plan

__all__ = ["Pipeline", "Planned", "plan"]
