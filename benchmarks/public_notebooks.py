"""What nb2pipe says about every notebook below a folder: counts, by outcome and by code.

python benchmarks/public_notebooks.py FOLDER_OF_NOTEBOOKS          # counts
python benchmarks/public_notebooks.py FOLDER_OF_NOTEBOOKS --list   # and every finding, one on a line
"""

from __future__ import annotations

import re
import sys
import traceback
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from nb2pipe.convert import check, convert
from nb2pipe.diagnostics import Diagnostic, Severity
from nb2pipe.notebook import NotebookError

#: Words of the messages that tell why a notebook cannot be read, and the reason in short.
REASONS = (
    (r"print|exec|except \w+, ?\w+|invalid hexadecimal|leading zeros|`?<>", "Python 2"),
    (r"not Python", "not Python"),
    (r"no code cells", "no code cells"),
    (r"language", "another language"),
)


@dataclass(frozen=True)
class Outcome:
    """What came of one notebook: a word for it, findings, and whatever else is to be said."""

    word: str
    findings: tuple[Diagnostic, ...] = ()
    note: str = ""


def outcome(path: Path, emitting: bool) -> Outcome:
    """Checks a notebook, and converts it (in memory) when nothing forbids that."""
    try:
        findings = check(path)
        errors = tuple(finding for finding in findings if finding.severity is Severity.ERROR)
        if errors:
            return Outcome("refused", findings)
        if emitting:
            convert(path, path.parent / "generated")
        return Outcome("converted" if emitting else "nothing in the way", findings)
    except NotebookError as error:
        said = str(error).removeprefix(f"{path}: ")
        reason = next((word for pattern, word in REASONS if re.search(pattern, said)), "other")
        return Outcome(f"unreadable: {reason}", note=said)
    except Exception:
        return Outcome("INTERNAL ERROR", note=traceback.format_exc())


def main(arguments: list[str]) -> int:
    """Prints the counts; 1 when there was an internal error."""
    folder = Path(arguments[0])
    listing = "--list" in arguments
    outcomes: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    for path in sorted(folder.rglob("*.ipynb")):
        found = outcome(path, emitting=True)
        outcomes[found.word] += 1
        codes.update({finding.code for finding in found.findings})
        if found.word == "INTERNAL ERROR" or (listing and found.note):
            print(f"{path.relative_to(folder)}: {found.note}")
        for finding in found.findings if listing else ():
            print(f"{path.relative_to(folder)}: {finding.code} cell {finding.cell}: {finding.message}")
    print(f"{sum(outcomes.values())} notebooks")
    for word, count in outcomes.most_common():
        print(f"{count:6} {word}")
    print("with each code at least once:")
    for code, count in codes.most_common():
        print(f"{count:6} {code}")
    return 1 if outcomes["INTERNAL ERROR"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
