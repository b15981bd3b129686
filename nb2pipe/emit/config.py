"""``config/*.yaml``: every parameter with the notebook's value, and one file per environment to override it."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterable
from typing import Any

from nb2pipe.pipeline.model import Parameter, ParameterKind, Pipeline

ENVIRONMENTS = ("dev", "staging", "prod")
#: Words that readers of YAML 1.1 take for something else.
AMBIGUOUS = frozenset("y n yes no on off true false null ~ nan inf".split())
TAG = "tag:yaml.org,2002:"
#: Parameters that lead out of the package, and what the comment beside them says.
FILES = {ParameterKind.INPUT_PATH: "read in cell", ParameterKind.OUTPUT_PATH: "written in cell"}


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
    above = {"data": "The folder that relative paths start from, seen from this package; --data replaces it."}
    for section, parameters in _sections(pipeline):
        for parameter in parameters:
            _put(root, parameter)
        above.setdefault(section, "\n" + _where(parameters))
    for threshold in pipeline.thresholds:
        _node(root, ["gates", "evaluation", threshold.metric])[threshold.bound] = threshold.value
    if pipeline.thresholds:
        cells = ", ".join(str(cell) for cell in sorted({t.cell for t in pipeline.thresholds}))
        above.setdefault("gates", f"\nBounds that metrics must keep, from cell {cells}.")
    for section, comment in above.items():
        root.yaml_set_comment_before_after_key(section, before=comment)
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
    *path, last = parameter.key.split(".")
    node = _node(root, path)
    node[last] = _plain(parameter.value)
    if parameter.kind in FILES and isinstance(parameter.value, str):
        node.yaml_add_eol_comment(f"{FILES[parameter.kind]} {parameter.cell}", key=last, column=0)


def _node(root: Any, path: Iterable[str]) -> Any:
    from ruamel.yaml.comments import CommentedMap

    for part in path:
        root = root.setdefault(part, CommentedMap())
    return root


def _plain(value: Any) -> Any:
    """A value as YAML has it; the annotation of the parameter gives tuples and sets back."""
    from ruamel.yaml.comments import CommentedMap, CommentedSeq

    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value, key=repr) if isinstance(value, set | frozenset) else value
        sequence = CommentedSeq([_plain(item) for item in items])
        if len(str(value)) < 80:
            sequence.fa.set_flow_style()
        return sequence
    if isinstance(value, dict):
        return CommentedMap({key: _plain(entry) for key, entry in value.items()})
    return value


def _dumped(root: Any) -> str:
    from ruamel.yaml import YAML
    from ruamel.yaml.representer import RoundTripRepresenter

    class Representer(RoundTripRepresenter):
        """One of its own: what is added to ruamel's class would hold for everybody in the process."""

    Representer.add_representer(str, _string)
    Representer.add_representer(float, _number)
    Representer.add_representer(type(None), _nothing)
    yaml = YAML()
    yaml.Representer = Representer
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    buffer = io.StringIO()
    yaml.dump(root, buffer)
    return buffer.getvalue()


def _string(representer: Any, text: str) -> Any:
    """Strings that look like something else are quoted, for readers of YAML 1.1 as well."""
    text.encode()  # half a surrogate pair is refused here: no file could hold the run's record of it
    plain = text and text.lower() not in AMBIGUOUS and text[0].isalpha() and text.isprintable() and ": " not in text
    style = None if plain and not text.endswith((":", " ")) and " #" not in text else '"'
    return representer.represent_scalar(f"{TAG}str", text, style=style)


def _number(representer: Any, number: float) -> Any:
    """``1e-05`` is written ``1.0e-05``, which is a number in YAML 1.1, too."""
    text = {"inf": ".inf", "-inf": "-.inf", "nan": ".nan"}.get(repr(number), repr(number))
    return representer.represent_scalar(f"{TAG}float", text if "." in text else text.replace("e", ".0e"))


def _nothing(representer: Any, _nothing: None) -> Any:
    """``null``, where ruamel would leave a gap that reads as forgotten."""
    return representer.represent_scalar(f"{TAG}null", "null")


def _environment(name: str, pipeline: Pipeline) -> str:
    key, value = next(
        ((p.key, p.value) for p in pipeline.parameters if p.annotation in ("int", "float", "str", "bool")),
        ("data.root", pipeline.data_root),
    )
    for part in reversed(key.split(".")):
        value = {part: value}
    return (
        f"# What differs in {name}: keys of base.yaml with other values. Chosen by --env {name} or APP_ENV={name}.\n"
        f"# For example, in place of the braces:\n{textwrap.indent(_dumped(value), '# ')}{{}}\n"
    )
