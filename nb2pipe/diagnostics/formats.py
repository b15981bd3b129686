"""Findings as other programs read them: JSON, SARIF for code scanning, annotations of GitHub Actions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

from nb2pipe.diagnostics.model import Diagnostic
from nb2pipe.diagnostics.registry import RULES

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


@dataclass(frozen=True)
class Finding:
    """A diagnostic with its file; ``line`` counts the lines of that file from 1."""

    notebook: str
    line: int
    diagnostic: Diagnostic

    @property
    def text(self) -> str:
        """One sentence that names the place as people know it: cell and line."""
        found = self.diagnostic
        return f"cell {found.cell}, line {found.line}: {found.message} (mend: {found.mend})"


def as_json(findings: Iterable[Finding]) -> str:
    """A list of objects."""
    return json.dumps([{"notebook": f.notebook, **asdict(f.diagnostic)} for f in findings], indent=2)


def github(finding: Finding) -> str:
    """A workflow command of GitHub Actions, which shows the finding at its line."""
    found = finding.diagnostic
    where = f"file={_property(finding.notebook)},line={finding.line},title={_property(found.code)}"
    return f"::{found.severity} {where}::{_escaped(finding.text)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")


def sarif(findings: Sequence[Finding], version: str) -> str:
    """A log in SARIF 2.1.0. ``version`` is nb2pipe's own."""
    driver = {"name": "nb2pipe", "version": version, "rules": [_rule(position) for position in range(len(RULES))]}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": [_result(f) for f in findings]}
    return json.dumps({"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(position: int) -> dict[str, object]:
    rule = RULES[position]
    return {
        "id": rule.code,
        "shortDescription": {"text": rule.title},
        "help": {"text": rule.mend},
        "defaultConfiguration": {"level": str(rule.severity)},
    }


def _result(finding: Finding) -> dict[str, object]:
    found = finding.diagnostic
    place = {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(finding.notebook)},
            "region": {"startLine": finding.line},
        },
        "logicalLocations": [{"fullyQualifiedName": f"cell {found.cell}, line {found.line}"}],
    }
    return {
        "ruleId": found.code,
        "ruleIndex": next(n for n, rule in enumerate(RULES) if rule.code == found.code),
        "level": str(found.severity),
        "message": {"text": finding.text},
        "locations": [place],
    }


def _uri(notebook: str) -> str:
    path = Path(notebook)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())
