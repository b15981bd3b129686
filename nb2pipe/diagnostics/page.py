"""``docs/diagnostics.md``, made from the rules themselves."""

from __future__ import annotations

from collections.abc import Iterable

from nb2pipe.diagnostics.model import Rule, Severity
from nb2pipe.diagnostics.registry import RULES

HEAD = """\
# Diagnostics

What `nb2pipe check` and `nb2pipe convert` may say of a notebook. An error stops a conversion: the pipeline would not
compute what the notebook computes, or nobody could be sure that it does. A warning does not. Every rule stands here
with a short notebook that earns it, and with the same work written so that it does not. Words in capitals stand for
what a finding names.

This page is made from the rules in `nb2pipe/diagnostics/rules/`; after a change there: `make docs`.
"""


def page(rules: Iterable[Rule] = RULES) -> str:
    """The page, as markdown."""
    listed = tuple(rules)
    rows = [f"| [{r.code}](#{r.code.lower()}) | {r.severity} | {r.title} |" for r in listed]
    table = "\n".join(["| code | severity | about |", "|---|---|---|", *rows])
    return "\n".join([HEAD, table, "", *(_section(rule) for rule in listed)]).rstrip("\n") + "\n"


def _section(rule: Rule) -> str:
    stops = "stops a conversion" if rule.severity is Severity.ERROR else "does not stop a conversion"
    return (
        f"## {rule.code}\n\n"
        f"**{rule.title[:1].upper()}{rule.title[1:]}** · {rule.severity}, {stops}\n\n"
        f"What it says: {_words(rule.message)}.\n\n"
        f"Mend: {_words(rule.mend)}.\n\n"
        f"A notebook that earns it:\n\n{_code(rule.earns)}\n"
        f"The same work without it:\n\n{_code(rule.clean)}"
    )


def _words(template: str) -> str:
    """A message as people read it; what a finding fills in stands in capitals."""
    names = _Names()
    return template.format_map(names).rstrip(".")


class _Names(dict[str, str]):
    """Every name of a template stands for itself."""

    def __missing__(self, name: str) -> str:
        return name.upper()


def _code(percent: str) -> str:
    text = percent.rstrip("\n")
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}python\n{text}\n{fence}\n"


if __name__ == "__main__":
    print(page(), end="")
