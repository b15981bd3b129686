"""A rule and what it finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """``ERROR`` stops a conversion; ``WARNING`` does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Rule:
    """One kind of finding. Its test and its page of documentation are made from ``earns`` and ``clean``.

    Attributes:
        code: stable, e.g. ``NB101``.
        title: what the rule is about, in a few words.
        message: a ``str.format`` template; the names in braces are given by whoever finds it.
        mend: what the author can do, as a template of the same names.
        earns: a notebook (``py:percent``) in which the rule speaks.
        clean: the same work written so that it does not.
    """

    code: str
    title: str
    severity: Severity
    message: str
    mend: str
    earns: str
    clean: str

    def found(self, cell: int, line: int, **names: str) -> Diagnostic:
        """A finding at ``line`` of ``cell`` (both counted from 1)."""
        return Diagnostic(
            code=self.code,
            severity=self.severity,
            message=self.message.format(**names),
            mend=self.mend.format(**names),
            cell=cell,
            line=line,
        )


@dataclass(frozen=True, order=True)
class Diagnostic:
    """One finding: where, what, and how to mend it. ``cell`` counts all cells of the notebook from 1."""

    cell: int
    line: int
    code: str
    message: str
    mend: str
    severity: Severity = Severity.ERROR

    def text(self, notebook: str = "") -> str:
        """Two lines for people."""
        where = f"{notebook}: " if notebook else ""
        place = f"{where}cell {self.cell}, line {self.line}"
        return f"{place}: {self.severity} {self.code}: {self.message}\n  mend: {self.mend}"
