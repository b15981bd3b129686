"""Reading: bytes of a notebook → :class:`~nb2pipe.notebook.model.Notebook`."""

from nb2pipe.notebook.model import Cell, CellKind, Notebook, NotebookError, Role
from nb2pipe.notebook.read import read_notebook

__all__ = ["Cell", "CellKind", "Notebook", "NotebookError", "Role", "read_notebook"]
