"""The definition holds together: every edge, gate and config key has both its ends."""

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from digits_torch.contracts import TYPES
from digits_torch.pipeline import PIPELINE

ROOT = Path(__file__).resolve().parent.parent
ARTIFACTS = {f"{stage.name}.{name}" for stage in PIPELINE.stages for name in stage.outputs}


def config(name):
    return YAML(typ="safe", pure=True).load(ROOT / "config" / f"{name}.yaml") or {}


def keys(tree, above=""):
    for name, entry in tree.items():
        yield from (
            keys(entry, f"{above}{name}.")
            if isinstance(entry, dict) and entry
            else [f"{above}{name}"]
        )


def value(tree, key):
    for part in key.split("."):
        tree = tree[part]
    return tree


def test_inputs_come_from_earlier_stages():
    made = set()
    for stage in PIPELINE.stages:
        assert set(stage.inputs.values()) <= made
        made |= {f"{stage.name}.{name}" for name in stage.outputs}


def test_order_names_earlier_stages():
    seen = set()
    for stage in PIPELINE.stages:
        assert stage.upstream <= seen
        seen.add(stage.name)


@pytest.mark.parametrize(
    "key", sorted({key for stage in PIPELINE.stages for key in stage.params.values()})
)
def test_every_parameter_has_a_value(key):
    value(config("base"), key)


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_environments_override_only_what_there_is(environment):
    read = {
        "data.root",
        "gates.evaluation",
        *(key for stage in PIPELINE.stages for key in stage.params.values()),
    }
    for key in keys(config(environment)):
        assert any(f"{key}.".startswith(f"{known}.") for known in read), f"no stage reads {key}"


def test_gates_stand_at_stages():
    names = {stage.name for stage in PIPELINE.stages}
    for gate in PIPELINE.gates:
        assert (gate.before if hasattr(gate, "before") else gate.after) in names
        assert set(getattr(gate, "schemas", {})) <= ARTIFACTS


def test_contracts_are_of_artifacts():
    assert set(TYPES) <= ARTIFACTS


def test_the_registered_model_is_an_artifact():
    if PIPELINE.registration is not None:
        named = (
            PIPELINE.registration.model,
            PIPELINE.registration.signature,
            PIPELINE.registration.example,
        )
        assert {name for name in named if name} <= ARTIFACTS


def test_only_the_definition_knows_the_runtime():
    importing = re.compile(r"^\s*(from|import) nb2pipe\b", re.MULTILINE)
    modules = sorted((ROOT / "digits_torch").rglob("*.py"))
    assert [m.name for m in modules if importing.search(m.read_text(encoding="utf-8"))] == [
        "pipeline.py"
    ]
