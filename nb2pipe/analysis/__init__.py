"""Analysis: :class:`~nb2pipe.notebook.Notebook` → :class:`~nb2pipe.analysis.model.Facts`. Nothing is executed."""

from nb2pipe.analysis.analyse import analyse
from nb2pipe.analysis.model import Definition, Facts, ImportedName, Statement, StatementKind

__all__ = ["Definition", "Facts", "ImportedName", "Statement", "StatementKind", "analyse"]
