"""Templates of statements: each draws what it needs from a :class:`~tests.fuzz.programs.Writer`, or gives up."""

from __future__ import annotations

from tests.fuzz.programs import Program, Template, Writer


def program_of(seed: int) -> Program:
    """The program that a seed stands for."""
    return Writer(seed, TEMPLATES).program()


def _made(w: Writer) -> str:
    kind, text = w.random.choice(
        [
            ("int", w.number()),
            ("list", f"[{w.number()}, {w.number()}, {w.number()}]"),
            ("lists", f"[[{w.number()}], [{w.number()}, {w.number()}]]"),
            ("dict", f"{{'x': {w.number()}, 'y': {w.number()}}}"),
            ("dicts", f"{{'x': [{w.number()}], 'y': [{w.number()}]}}"),
            ("set", f"{{{w.number()}, {w.number()}}}"),
            ("array", f"np.arange({w.random.randint(4, 8)})"),
            ("array", "np.zeros(6)"),
            ("matrix", "np.arange(12).reshape(3, 4)"),
            ("frame", f"pd.DataFrame({{'x': [{w.number()}, 2, 3], 'y': [4.0, 5.0, {w.number()}]}})"),
            ("text", "'word'"),
        ]
    )
    return f"{w.new(kind)} = {text}"


def _alias(w: Writer) -> str | None:
    name = w.pick()
    if name is None:
        return None
    kind = w.kinds[name]
    return f"{w.new(kind)} = {name}"


def _container(w: Writer) -> str | None:
    one, other = w.pick("list", "array", "frame", "dict"), w.pick("list", "array", "frame", "dict")
    if one is None or other is None:
        return None
    shape = w.random.choice(["[{0}, {1}]", "{{'x': {0}, 'y': {1}}}", "({0}, {1})"])
    return f"{w.new('box' if shape[0] != '{' else 'dictbox')} = {shape.format(one, other)}"


def _taken_out(w: Writer) -> str | None:
    box = w.pick("box", "dictbox", "lists", "dicts")
    if box is None:
        return None
    key = "'x'" if w.kinds[box] in ("dictbox", "dicts") else "0"
    kind = "list" if w.kinds[box] in ("lists", "dicts") else "any"
    return f"{w.new(kind)} = {box}[{key}]"


def _mutated(w: Writer) -> str | None:
    name = w.pick("list", "lists", "dict", "dicts", "set", "array", "matrix", "frame")
    if name is None:
        return None
    number = w.number()
    texts = {
        "list": [f"{name}.append({number})", f"{name} += [{number}]", f"{name}[0:1] = [{number}]", f"{name}.sort()"],
        "lists": [f"{name}[0].append({number})", f"{name}.append([{number}])", f"{name}[-1] += [{number}]"],
        "dict": [f"{name}['z'] = {number}", f"{name}.update(x={number})", f"{name} |= {{'w': {number}}}"],
        "dicts": [f"{name}['x'].append({number})", f"{name}.setdefault('z', []).append({number})"],
        "set": [f"{name}.add({number})", f"{name} |= {{{number}}}"],
        "array": [f"{name}[1] = {number}", f"{name} += 1", f"np.add({name}, 1, out={name})", f"{name}[:2] *= 2"],
        "matrix": [f"{name}[0] = {number}", f"{name}[:, 1] += 1", f"{name} *= 2"],
        "frame": [
            f"{name}['x'] = {number}",
            f"{name}.loc[0, 'y'] = {number}",
            f"{name}.drop(columns='z', errors='ignore', inplace=True)",
            f"{name}['z'] = {name}['x'] * 2",
        ],
    }
    return w.random.choice(texts[w.kinds[name]])


def _copied(w: Writer) -> str | None:
    name = w.pick("list", "lists", "dict", "dicts", "array", "frame", "set")
    if name is None:
        return None
    kind = w.kinds[name]
    forms = (
        ["{0}.copy()"]
        + (["list({0})", "{0}[:]", "sorted({0})"] if kind == "list" else [])
        + (["list({0})", "{0}[:]", "[row for row in {0}]"] if kind == "lists" else [])
        + (["dict({0})", "{{**{0}}}"] if kind in ("dict", "dicts") else [])
    )
    return f"{w.new(kind)} = {w.random.choice(forms).format(name)}"


def _view(w: Writer) -> str | None:
    name = w.pick("array", "matrix")
    if name is None:
        return None
    form, kind = w.random.choice(
        [
            ("{0}[1:3]", None),
            ("{0}[::2]", None),
            ("{0}.T", None),
            ("np.asarray({0})", None),
            ("{0}.reshape(-1)", "array"),
            ("{0}.ravel()", "array"),
        ]
    )
    return f"{w.new(kind or ('array' if w.kinds[name] == 'array' else 'any'))} = {form.format(name)}"


def _loop(w: Writer) -> str | None:
    one, other = w.pick("list"), w.pick("list")
    if one is None or other is None:
        return None
    name = w.new("list")
    return f"for {name} in [{one}, {other}]:\n    {name}.append({w.random.randint(0, 9)})"


def _number_loop(w: Writer) -> str:
    total = w.new("int")
    start, steps = w.random.randint(0, 3), w.random.randint(0, 3)
    w.maybe.add("index")
    return f"{total} = {start}\nfor index in range({steps}):\n    {total} += index"


def _swapped(w: Writer) -> str | None:
    one, other = w.pick("list", "dict", "int"), w.pick("list", "dict", "int")
    if one is None or other is None or one == other:
        return None
    w.kinds[one], w.kinds[other] = w.kinds[other], w.kinds[one]
    return f"{one}, {other} = {other}, {one}"


def _conditional(w: Writer) -> str:
    name = f"m{w.random.randint(0, 2)}"
    w.maybe.add(name)
    condition = w.random.choice(["True", "False", f"{w.number()} > 4"])
    return w.random.choice(
        [
            f"if {condition}:\n    {name} = [{w.number()}]",
            f"try:\n    {name} = 1 // {w.number()}\nexcept ZeroDivisionError as error:\n    {name}_error = str(error)",
            f"if {condition}:\n    {name} = 1\nelse:\n    {name}_other = 2",
            f"for _ in range({w.random.randint(0, 1)}):\n    {name} = 7",
        ]
    )


def _deleted(w: Writer) -> str | None:
    name = w.pick()
    if name is None or w.random.random() < 0.5:
        return None
    del w.kinds[name]
    w.maybe.add(name)
    return f"del {name}"


def _asked(w: Writer) -> str:
    name = w.random.choice([*sorted(w.kinds), "m0", "m1", "never"])
    found = w.new("any")
    if found == name:
        return "pass"
    if w.random.random() < 0.5:
        return f"{found} = {name!r} in globals()"
    return f"try:\n    {found} = type({name}).__name__\nexcept NameError:\n    {found} = 'gone'"


def _function(w: Writer) -> str | None:
    name = f"f{w.random.randint(0, 3)}"
    variable = w.pick("list")
    number = w.pick("int")
    bodies = [
        ("list", f"def {name}(value, more=1):\n    value.append(more)\n    return value"),
        ("list", f"def {name}(value):\n    return [*value, {w.random.randint(0, 9)}]"),
        ("list", f"def {name}(value, seen=[]):\n    seen.append(len(value))\n    return list(seen)"),
        ("list", f"{name} = lambda value: value[:1] + [1]"),
        (
            "list",
            f"def {name}(value):\n    def inner(x):\n        value.append(x)\n        return value\n    return inner(3)",
        ),
        ("list", f"def {name}(value):\n    {name}.calls = getattr({name}, 'calls', 0) + 1\n    return [{name}.calls]"),
    ]
    if variable:
        bodies += [
            ("list", f"def {name}(value):\n    {variable}.append(len(value))\n    return value"),
            ("list", f"def {name}(value):\n    return value + {variable}"),
            ("list", f"def {name}(value):\n    return {variable}"),
            ("list", f"def {name}(value, start={variable}):\n    return start"),
        ]
    if number:
        bodies += [
            ("list", f"def {name}(value):\n    global {number}\n    {number} += 1\n    return value + [{number}]"),
            ("list", f"def {name}(value):\n    return [{number}] + value[:2]"),
        ]
    others = sorted(w.functions)
    if others:
        other = w.random.choice(others)
        if other != name:
            bodies += [("list", f"def {name}(value):\n    return {other}(value) + [0]")] * 2
    kind, text = w.random.choice(bodies)
    w.functions[name] = kind
    return text


def _called(w: Writer) -> str | None:
    name = w.pick("list")
    if name is None or not w.functions:
        return None
    function = w.random.choice(sorted(w.functions))
    form = w.random.choice(
        ["{0}({1})", "[{0}(one) for one in [{1}]][0]", "list(map({0}, [{1}]))[0]", "(lambda g: g({1}))({0})"]
    )
    return f"{w.new('list')} = {form.format(function, name)}"


def _function_value(w: Writer) -> str | None:
    if not w.functions:
        return None
    function = w.random.choice(sorted(w.functions))
    holder = f"h{w.random.randint(0, 1)}"
    argument = w.pick("list")
    if argument is None or w.random.random() < 0.4:
        w.holders.add(holder)
        return f"{holder} = {w.random.choice(['{0}', '[{0}][0]', 'lambda value: {0}(value)']).format(function)}"
    if holder not in w.holders:
        return None
    return f"{w.new('list')} = {holder}({argument})"


def _class(w: Writer) -> str:
    name = f"C{w.random.randint(0, 1)}"
    variable = w.pick("list") or "[]"
    number = w.pick("int") or "3"
    w.classes.add(name)
    return w.random.choice(
        [
            f"class {name}:\n    def __init__(self, rows):\n        self.rows = rows\n    def add(self, x):\n        self.rows.append(x)\n        return len(self.rows)",
            f"class {name}:\n    shared = []\n    def __init__(self, rows):\n        self.rows = list(rows)\n    def add(self, x):\n        self.shared.append(x)\n        return len(self.shared)",
            f"class {name}:\n    def __init__(self, rows):\n        self.rows = rows\n    def add(self, x):\n        return {number} + x",
            f"class {name}:\n    count = 0\n    def __init__(self, rows):\n        {name}.count += 1\n        self.rows = {variable}\n    def add(self, x):\n        self.rows.append(x)\n        return {name}.count",
        ]
    )


def _instance(w: Writer) -> str | None:
    if not w.classes:
        return None
    rows = w.pick("list")
    held = w.pick("object")
    if rows is None or (held and w.random.random() < 0.6):
        return f"{w.new('int')} = {held}.add({w.random.randint(0, 9)})" if held else None
    return f"{w.new('object')} = {w.random.choice(sorted(w.classes))}({rows})"


def _random_draw(w: Writer) -> str | None:
    form, kind = w.random.choice(
        [
            ("random.seed(4); np.random.seed(3)", None),
            ("{0} = [random.randint(0, 9) for _ in range(3)]", "list"),
            ("{0} = np.random.rand(5)", "array"),
            ("{0} = np.random.default_rng(5)", "rng"),
            ("{0} = {1}.integers(0, 9, 5)", "array"),
        ]
    )
    held = w.pick("rng")
    if "{1}" in form and held is None:
        return None
    return form.format(w.new(kind) if kind else "", held)


def _comprehension(w: Writer) -> str | None:
    rows = w.pick("list", "set")
    if rows is None:
        return None
    form, kind = w.random.choice(
        [
            ("{0} = [value * 2 for value in {1}]", "list"),
            ("{0} = {{'x': [v for v in {1}], 'y': list({1})}}", "dicts"),
            ("{0} = (last := len({1})) + 1", "int"),
            ("{0} = [(total := value) for value in sorted({1})]", "list"),
        ]
    )
    w.maybe.update(("last", "total"))
    return form.format(w.new(kind), rows)


def _iterator(w: Writer) -> str | None:
    rows, held = w.pick("list"), w.pick("iterator")
    if held and w.random.random() < 0.6:
        return f"{w.new('int')} = next({held}, 0)"
    if rows is None:
        return None
    return (
        f"{w.new('iterator')} = {w.random.choice(['iter({0})', 'enumerate({0})', 'zip({0}, {0})', 'reversed({0})', 'map(str, {0})']).format(rows)}"
        if w.random.random() < 0.5
        else f"{w.new('iterator')} = iter({rows})"
    )


def _frame_work(w: Writer) -> str | None:
    name = w.pick("frame")
    if name is None:
        return None
    form, kind = w.random.choice(
        [
            ("{0}[{0}['x'] > 1]", "any"),
            ("{0}['x']", "any"),
            ("{0}.assign(k={1})", "frame"),
            ("{0}.groupby('x').sum()", "any"),
            ("{0}.apply(lambda row: row['x'] + {1}, axis=1)", "any"),
            ("{0}['x'].sum()", "any"),
            ("{0}[['x']]", "any"),
            ("{0}['y'].to_numpy()", "any"),
        ]
    )
    number = w.number()
    return f"{w.new(kind)} = {form.format(name, number)}"


def _match(w: Writer) -> str | None:
    name = w.pick("list", "dict", "int")
    if name is None:
        return None
    w.maybe.update(("first", "rest", "whole"))
    return f"match {name}:\n    case [first, *rest]:\n        pass\n    case {{'x': first}}:\n        pass\n    case whole:\n        pass"


def _with(w: Writer) -> str | None:
    rows = w.pick("list")
    if rows is None:
        return None
    w.maybe.add("words")
    return f"with open('notes.txt', 'a') as file:\n    file.write(str({rows}))\nwith open('notes.txt') as file:\n    words = file.read()"


def _walked(w: Writer) -> str | None:
    """Loops that reach objects through containers."""
    number = w.random.randint(0, 9)
    forms = {
        "dicts": "for key, row in {0}.items():\n    row.append({1})",
        "lists": "for position, row in enumerate({0}):\n    row.append(position)",
        "dictbox": "for item in {0}.values():\n    found = type(item).__name__",
        "box": "for item in {0}:\n    if isinstance(item, list):\n        item.append({1})",
        "list": "for one, other in zip({0}, {0}[:]):\n    {0}[0] = one + other",
    }
    name = w.pick(*forms)
    if name is None:
        return None
    w.maybe.update(("item", "row", "found", "one", "other"))
    return forms[w.kinds[name]].format(name, number)


def _frames_walked(w: Writer) -> str | None:
    one, other = w.pick("frame"), w.pick("frame")
    if one is None or other is None:
        return None
    w.maybe.add("table")
    return f"for table in [{one}, {other}]:\n    table['k'] = table['x'] + {w.random.randint(0, 9)}"


def _closure(w: Writer) -> str:
    """Functions that share a cell."""
    number = w.random.randint(0, 9)
    if w.closures and w.random.random() < 0.7:
        name = w.random.choice(sorted(w.closures))
        return f"{w.new('int')} = {name}[{w.random.randint(0, 1)}]({number})"
    name = w.new("functions")
    w.closures.add(name)
    maker = (
        "def make(start):\n    total = start\n    def add(x):\n        nonlocal total\n        total += x\n"
        "        return total\n    def get(x):\n        return total - x\n    return add, get"
    )
    return f"{maker}\n{name} = make({number})"


def _returned_pair(w: Writer) -> str | None:
    """Two names for what one call made."""
    rows = w.pick("list")
    if rows is None:
        return None
    one, other = w.new("list"), w.new("dicts")
    if one == other:
        return None
    return f"def pair(rows):\n    return rows, {{'x': rows, 'y': [len(rows)]}}\n{one}, {other} = pair({rows})"


def _deep(w: Writer) -> str | None:
    name = w.pick("lists", "dicts", "box", "dictbox")
    if name is None:
        return None
    return f"import copy\n{w.new(w.kinds[name])} = copy.{w.random.choice(['copy', 'deepcopy'])}({name})"


def _attribute(w: Writer) -> str | None:
    rows = w.pick("list", "dict", "array")
    if rows is None:
        return None
    held = w.pick("holder")
    if held and w.random.random() < 0.6:
        return w.random.choice([f"{held}.rows = {rows}", f"{held}.extra = [{rows}]", f"{held}.count += 1"])
    return f"from types import SimpleNamespace\n{w.new('holder')} = SimpleNamespace(rows={rows}, count=0)"


def _sorted_by(w: Writer) -> str | None:
    rows, number = w.pick("list"), w.pick("int")
    if rows is None or number is None:
        return None
    form = w.random.choice(
        ["sorted({0}, key=lambda v: -v * {1})", "list(filter(lambda v: v != {1}, {0}))", "[v for v in {0} if v != {1}]"]
    )
    return f"{w.new('list')} = {form.format(rows, number)}"


def _decorated(w: Writer) -> str:
    """A decorator that counts, or keeps what it wraps."""
    name = f"f{w.random.randint(0, 3)}"
    w.functions[name] = "list"
    rows = w.pick("list")
    kept = f"        {rows}.append(1)\n" if rows and w.random.random() < 0.4 else ""
    return (
        f"def counted(fn):\n    def wrapper(value):\n        wrapper.calls += 1\n{kept}"
        f"        return fn(value) + [wrapper.calls]\n    wrapper.calls = 0\n    return wrapper\n"
        f"@counted\ndef {name}(value):\n    return value[:2]"
    )


def _generator(w: Writer) -> str | None:
    rows = w.pick("list")
    if rows is None:
        return None
    return f"def each(rows):\n    for row in rows:\n        rows.append(row) if len(rows) < 5 else None\n        yield row\n{w.new('list')} = list(each({rows}))"


def _estimator(w: Writer) -> str | None:
    rows = w.pick("matrix")
    held = w.pick("scaler")
    if rows is None:
        return None
    if held and w.random.random() < 0.6:
        return w.random.choice([f"{held}.fit({rows})", f"{w.new('array2')} = {held}.fit_transform({rows})"])
    return f"from sklearn.preprocessing import StandardScaler\n{w.new('scaler')} = StandardScaler()"


TEMPLATES: list[Template] = [
    _made, _made, _made, _alias, _alias, _container, _taken_out, _mutated, _mutated, _mutated, _mutated, _copied, _view,
    _loop, _number_loop, _swapped, _conditional, _deleted, _asked, _function, _function, _called, _called, _called,
    _function_value, _class, _instance, _instance, _random_draw, _comprehension, _iterator, _frame_work, _match, _with,
    _walked, _walked, _frames_walked, _closure, _closure, _returned_pair, _deep, _attribute, _attribute, _sorted_by,
    _decorated, _generator, _estimator,
]  # fmt: skip
