"""Which artifact is the model, and what tells its signature."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from nb2pipe.analysis import Facts, Statement
from nb2pipe.analysis.values import ARRAYS
from nb2pipe.notebook.trees import walk
from nb2pipe.pipeline.model import Registration, Stage
from nb2pipe.pipeline.staging import Block

MODEL_TYPES = re.compile(
    r"sklearn\.(?!preprocessing|model_selection|metrics|decomposition|feature|impute|utils|datasets|compose)[\w.]*\.[A-Z]\w*$|"
    r"(xgboost|lightgbm|catboost|statsmodels)\.[\w.]+$|torch\.nn\.[\w.]+$"
)
LOSSES = re.compile(r"Loss$|\.functional\.")
SIGNATURE_TYPES = ("mlflow.models.ModelSignature", "mlflow.models.signature.ModelSignature")
EXAMPLE_NAMES = ("input_example", "sample_input", "example_input")
PREDICTING = frozenset({"predict", "predict_proba", "fit", "score", "decision_function"})


@dataclass(frozen=True)
class ModelNames:
    """Names of the notebook that hold the model, its signature, and inputs for it."""

    model: str
    signature: str | None
    example: str | None
    extra_outputs: tuple[tuple[str, str], ...]

    def addresses(self, stages: Sequence[Stage]) -> Registration | None:
        """The artifacts that hold them at the end of the pipeline."""
        latest = {artifact.name: artifact.address for stage in stages for artifact in stage.outputs}
        if self.model not in latest:
            return None
        return Registration(
            latest[self.model],
            latest.get(self.signature) if self.signature else None,
            latest.get(self.example) if self.example else None,
        )


def registration(blocks: Sequence[Block], bodies: Mapping[str, Sequence[Statement]], facts: Facts) -> ModelNames | None:
    """The model of a notebook; ``None`` when no stage trains one that can be told."""
    training = [b for b in blocks if b.kind == "train"]
    candidates = [
        (block.name, name)
        for block in training
        for statement in bodies[block.name]
        for name in sorted(statement.flow.may_bind | (statement.effects.mutates & facts.types.keys()))
        if _is_model(facts.types.get(name), facts)
    ]
    if not candidates:
        return None
    last = [b for b in blocks if b.kind == "package"][-1:] or [b for b in blocks if b.kind == "evaluate"][-1:]
    late = [s for b in last for s in bodies[b.name]]
    read = {name for s in late for name in s.flow.reads}
    preferred = [c for c in candidates if c[1] in read] or candidates
    stage, model = max(preferred, key=lambda c: (c[1] in ("model", "best_model"), preferred.index(c)))
    extra = [(stage, model)]
    signature = example = None
    for block in (b for b in blocks if b.kind == "package"):
        for statement in bodies[block.name]:
            for name in sorted(statement.flow.binds):
                if facts.types.get(name) in SIGNATURE_TYPES:
                    signature = name
                    extra.append((block.name, name))
                elif name in EXAMPLE_NAMES:
                    example = name
                    extra.append((block.name, name))
    if example is None:
        example = _given_to(model, [s for b in blocks for s in bodies[b.name]], facts)
        maker = next((b.name for b in blocks for s in bodies[b.name] if example in s.flow.binds), None)
        if example is not None and maker is not None:
            extra.append((maker, example))
    return ModelNames(model, signature, example, tuple(extra))


def _is_model(kind: str | None, facts: Facts) -> bool:
    if kind is None:
        return False
    if kind.startswith("notebook:"):
        found = facts.definitions.get(kind.removeprefix("notebook:"))
        if found is None or not isinstance(found.node, ast.ClassDef):
            return False
        bases = " ".join(ast.unparse(base) for base in found.node.bases)
        return "Module" in bases or "Estimator" in bases or "Classifier" in bases or "Regressor" in bases
    return bool(MODEL_TYPES.match(kind)) and not LOSSES.search(kind)


def _given_to(model: str, statements: Iterable[Statement], facts: Facts) -> str | None:
    """The first table or array, bound by the notebook, that the model is asked to predict from."""
    for statement in reversed(list(statements)):
        for node in walk(statement.node):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
                continue
            owner, argument = node.func.value, node.args[0]
            asked = isinstance(owner, ast.Name) and owner.id == model and node.func.attr in PREDICTING
            if asked and isinstance(argument, ast.Name) and facts.types.get(argument.id) in ARRAYS:
                return argument.id
    return None
