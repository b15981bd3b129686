"""Values as the analysis sees them: a type, and the names through which they can be reached."""

from __future__ import annotations

from dataclasses import dataclass

#: Types whose objects cannot change, so that sharing them does not matter.
IMMUTABLE = frozenset(
    "int float str bool bytes complex None range slice type frozenset[str] module "
    "datetime.date datetime.datetime datetime.timedelta pandas.Timestamp pandas.Timedelta pathlib.Path torch.device "
    "numpy.dtype".split()
)
ITERATORS = frozenset("generator iterator map zip filter enumerate csv.reader io.TextIOWrapper".split())
ARRAYS = frozenset({"pandas.DataFrame", "pandas.Series", "numpy.ndarray", "torch.Tensor"})
MEMORY = frozenset({"numpy.ndarray", "torch.Tensor"})
LONGEST_TYPE = 300
NUMBERS = ("bool", "int", "float", "complex")

#: Types that no store can hold, with the words that tell people.
NOT_STORABLE = {
    "generator": "a generator",
    "io.TextIOWrapper": "an open file",
    "csv.reader": "a reader of an open file",
    "csv.writer": "a writer of an open file",
    "sqlite3.Connection": "a database connection",
    "sqlite3.Cursor": "a database cursor",
    "dict_keys": "a view of a dictionary",
    "dict_values": "a view of a dictionary",
    "dict_items": "a view of a dictionary",
    "threading.Thread": "a thread or lock",
}

ATTRIBUTE_TYPES = {
    ("pandas.DataFrame", "columns"): "pandas.Index",
    ("pandas.DataFrame", "index"): "pandas.Index",
    ("pandas.DataFrame", "shape"): "tuple[int]",
    ("pandas.DataFrame", "loc"): "pandas.loc",
    ("pandas.DataFrame", "iloc"): "pandas.loc",
    ("pandas.DataFrame", "T"): "pandas.DataFrame",
    ("pandas.DataFrame", "values"): "numpy.ndarray",
    ("pandas.DataFrame", "dtypes"): "pandas.Series",
    ("pandas.DataFrame", "size"): "int",
    ("pandas.DataFrame", "empty"): "bool",
    ("pandas.Series", "index"): "pandas.Index",
    ("pandas.Series", "loc"): "pandas.series_loc",
    ("pandas.Series", "iloc"): "pandas.series_loc",
    ("pandas.Series", "values"): "numpy.ndarray",
    ("pandas.Series", "is_unique"): "bool",
    ("pandas.Series", "size"): "int",
    ("numpy.ndarray", "shape"): "tuple[int]",
    ("numpy.ndarray", "size"): "int",
    ("numpy.ndarray", "ndim"): "int",
    ("numpy.ndarray", "dtype"): "numpy.dtype",
    ("numpy.ndarray", "T"): "numpy.ndarray",
    ("torch.Tensor", "shape"): "tuple[int]",
    ("sklearn.utils.Bunch", "data"): "numpy.ndarray",
    ("sklearn.utils.Bunch", "target"): "numpy.ndarray",
    ("sklearn.utils.Bunch", "images"): "numpy.ndarray",
}
#: Attributes through which a table gives out its memory as an array, which pandas then no longer watches.
VIEW_ATTRIBUTES = frozenset({"values", "array"})
#: Types of objects that belong to the process: storing one stores no more than its name.
PROCESS_OBJECTS = frozenset({"logging.Logger", "decimal.Context"})
#: The type of a function or class of the notebook, as a value: it can be called, and does then what its body does.
DEFINITION = "definition"
#: What ``plt.subplots`` gives: one Axes, or an array of them.
AXES = "matplotlib.axes_grid"
ACCESSORS = frozenset({"str", "dt", "cat", "sparse"})


@dataclass(frozen=True)
class Value:
    """What an expression may evaluate to.

    Attributes:
        type: dotted type name, or ``None`` when unknown.
        roots: names from which a mutable part of the value may be reached.
        view: whether it may share memory with its roots in a way that storing loses.
        elements: the parts, where the value is a tuple or list of known length.
        apart: whether its parts share nothing with each other.
    """

    type: str | None = None
    roots: frozenset[str] = frozenset()
    view: bool = False
    elements: tuple[Value, ...] | None = None
    apart: bool = False

    @property
    def shared(self) -> frozenset[str]:
        """The roots, unless the value is of a type that cannot change."""
        return frozenset() if is_immutable(self.type) else self.roots


NOTHING = Value("None")


def is_immutable(type_: str | None) -> bool:
    """Whether objects of the type cannot change; not for unknown types."""
    return type_ in IMMUTABLE or bool(type_ and type_.startswith("tuple[") and is_immutable(type_[6:-1]))


def holding(kind: str, *inner: str | None) -> str:
    """The type of a container, with those of its parts where they are known (and no list of lists of lists of …)."""
    typed = f"{kind}[{', '.join(map(str, inner))}]"
    return typed if all(inner) and len(typed) <= LONGEST_TYPE else kind


def joined(one: str | None, other: str | None) -> str | None:
    """The type of something that is of one type or the other."""
    if one == other:
        return one
    if one in NUMBERS and other in NUMBERS:
        return max(one, other, key=NUMBERS.index)
    return None


def stored_as_one_memory(one: str | None, other: str | None) -> bool:
    """Whether values of these types that share memory still do so when they are stored together.

    Arrays and tensors do; a table and an array do not, as pandas would not know of the writes. A part of an array whose
    type is unknown is an array or a number.
    """
    return MEMORY & {one, other} != set() and {one, other} <= MEMORY | {None}


def element_type(type_: str | None) -> str | None:
    """The type of what iterating over a value gives, where its type says so."""
    if type_ == AXES:
        return AXES
    if type_ == "range":
        return "int"
    if type_ == "str":
        return "str"
    if type_ and type_.endswith("]") and type_.startswith(("list[", "tuple[", "set[", "frozenset[")):
        return type_.partition("[")[2][:-1]
    if type_ and type_.startswith("dict["):
        return type_[5:-1].partition(", ")[0]
    return None


def union(*values: Value) -> Value:
    """A value that may be any of these, or that holds all of them."""
    roots = frozenset().union(*(v.shared for v in values)) if values else frozenset[str]()
    return Value(None, roots, any(v.view for v in values))
