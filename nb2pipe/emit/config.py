"""``config/*.yaml``: every parameter with the notebook's value, and one file per environment to override it."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

from nb2pipe.pipeline.model import Parameter, Pipeline

ENVIRONMENTS = ("dev", "staging", "prod")


def config_files(pipeline: Pipeline) -> dict[str, str]:
    """``config/base.yaml`` and a file for each environment, as text."""
    return {
        "config/base.yaml": _base(pipeline),
        **{f"config/{name}.yaml": _environment(name, pipeline) for name in ENVIRONMENTS},
    }


def _base(pipeline: Pipeline) -> str:
    from ruamel.yaml.comments import CommentedMap

    root = CommentedMap()
    root.yaml_set_start_comment(
        f"Parameters of {pipeline.name}, with the notebook's values.\n"
        "Later layers override earlier ones: this file, <environment>.yaml, --config FILE,\n"
        f"environment variables ({pipeline.name.upper()}__SECTION__KEY), --set section.key=value.\n\n"
    )
    root["data"] = CommentedMap({"root": pipeline.data_root})
    root.yaml_set_comment_before_after_key(
        "data", before="The folder that relative paths start from, seen from this package; --data replaces it."
    )
    for section, parameters in _sections(pipeline):
        for parameter in parameters:
            _put(root, parameter)
        root.yaml_set_comment_before_after_key(section, before="\n" + _where(parameters))
    if pipeline.thresholds:
        gate = CommentedMap()
        for threshold in pipeline.thresholds:
            gate.setdefault(threshold.metric, CommentedMap())[threshold.bound] = threshold.value
        root["gates"] = CommentedMap({"evaluation": gate})
        cells = ", ".join(str(cell) for cell in sorted({t.cell for t in pipeline.thresholds}))
        root.yaml_set_comment_before_after_key("gates", before=f"\nBounds that metrics must keep, from cell {cells}.")
    return _dumped(root)


def _sections(pipeline: Pipeline) -> list[tuple[str, list[Parameter]]]:
    """Parameters by their first word: the notebook's own first, then the stages in order."""
    order = ["parameters", "setup", *(stage.name for stage in pipeline.stages)]
    found: dict[str, list[Parameter]] = {}
    for parameter in pipeline.parameters:
        found.setdefault(parameter.key.partition(".")[0], []).append(parameter)
    return sorted(found.items(), key=lambda item: order.index(item[0]) if item[0] in order else len(order))


def _where(parameters: Iterable[Parameter]) -> str:
    cells = sorted({parameter.cell for parameter in parameters})
    word = "Cell" if len(cells) == 1 else "Cells"
    return f"{word} {', '.join(str(cell) for cell in cells)}."


def _put(root: Any, parameter: Parameter) -> None:
    from ruamel.yaml.comments import CommentedMap

    *path, last = parameter.key.split(".")
    node = root
    for part in path:
        node = node.setdefault(part, CommentedMap())
    node[last] = _plain(parameter.value)


def _plain(value: Any) -> Any:
    """A value as YAML has it; the annotation of the parameter gives tuples and sets back."""
    from ruamel.yaml.comments import CommentedMap, CommentedSeq

    if isinstance(value, list | tuple | set):
        items = sorted(value, key=repr) if isinstance(value, set) else value
        sequence = CommentedSeq([_plain(item) for item in items])
        if len(str(value)) < 80:
            sequence.fa.set_flow_style()
        return sequence
    if isinstance(value, dict):
        return CommentedMap({key: _plain(entry) for key, entry in value.items()})
    return value


def _dumped(root: Any) -> str:
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.representer.add_representer(str, _string)
    buffer = io.StringIO()
    yaml.dump(root, buffer)
    return buffer.getvalue()


#: Words that readers of YAML 1.1 take for something else.
AMBIGUOUS = frozenset("y n yes no on off true false null ~ nan inf".split())


def _string(representer: Any, text: str) -> Any:
    """Strings that look like something else are quoted, for readers of YAML 1.1 as well."""
    plain = text and text.lower() not in AMBIGUOUS and text[0].isalpha() and text.isprintable() and ": " not in text
    style = None if plain and not text.endswith((":", " ")) and " #" not in text else '"'
    return representer.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _environment(name: str, pipeline: Pipeline) -> str:
    example = next((p for p in pipeline.parameters if p.annotation in ("int", "float")), None)
    lines = [
        f"# What differs in {name}: keys of base.yaml with other values. Chosen by --env {name} or APP_ENV={name}."
    ]
    if example is not None:
        lines.append("# For example:")
        for depth, part in enumerate(example.key.split(".")):
            last = depth == example.key.count(".")
            lines.append(f"# {'  ' * depth}{part}:{f' {example.value}' if last else ''}")
    return "\n".join([*lines, "{}", ""])
