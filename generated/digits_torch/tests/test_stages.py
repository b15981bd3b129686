"""Each stage function takes what the definition gives it, and returns what the definition promises."""

import dataclasses
import inspect
import typing

import pytest

from digits_torch.pipeline import PIPELINE


@pytest.mark.parametrize("stage", PIPELINE.stages, ids=lambda stage: stage.name)
def test_arguments_are_inputs_and_parameters(stage):
    arguments = inspect.signature(stage.function).parameters.values()
    assert [a.name for a in arguments if a.kind is a.POSITIONAL_OR_KEYWORD] == list(stage.inputs)
    assert [a.name for a in arguments if a.kind is a.KEYWORD_ONLY] == list(stage.params)


@pytest.mark.parametrize("stage", PIPELINE.stages, ids=lambda stage: stage.name)
def test_types_and_documentation(stage):
    hints = typing.get_type_hints(stage.function)
    assert set(hints) == {*stage.inputs, *stage.params, "return"}
    assert inspect.getdoc(stage.function)


@pytest.mark.parametrize("stage", PIPELINE.stages, ids=lambda stage: stage.name)
def test_results_are_the_outputs(stage):
    returned = typing.get_type_hints(stage.function)["return"]
    if stage.outputs:
        assert [field.name for field in dataclasses.fields(returned)] == list(stage.outputs)
        assert returned.__dataclass_params__.frozen
    else:
        assert returned is type(None)
