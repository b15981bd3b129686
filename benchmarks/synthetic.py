"""Notebooks of any size that look like people's: definitions, frames, aliases, models, plots, several stages."""

from __future__ import annotations

import json
from collections.abc import Iterator

SETUP = """import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split

np.random.seed(7)
THRESHOLD = 0.5
LABELS = ["a", "b", "c"]"""

#: Ten cells that hang together, with names of their own; ``{p}`` is the round before.
ROUND = (
    '''def clean_{n}(frame, limit=THRESHOLD):
    """Rows above the limit."""
    kept = frame[frame["value"] > limit].copy()
    kept["label"] = [LABELS[int(v) % len(LABELS)] for v in kept["value"]]
    for column in kept.columns:
        if kept[column].isna().any():
            kept[column] = kept[column].ffill()
    return {call}''',
    """rows_{n} = [{{"value": i * 0.5, "group": i % 3}} for i in range({n} + 10)]
table_{n} = pd.DataFrame(rows_{n})
table_{n}["scaled"] = (table_{n}["value"] - table_{n}["value"].mean()) / table_{n}["value"].std()
table_{n}.head()""",
    """joined_{n} = pd.concat([table_{n}, table_{p}])
view_{n} = joined_{n}
joined_{n}["noise"] = np.random.normal(size=len(joined_{n}))""",
    """counts_{n} = {{}}
for label, part in joined_{n}.groupby("group"):
    total = 0.0
    for value in part["value"]:
        if value > THRESHOLD:
            total += value
        else:
            total -= 1
    counts_{n}[label] = total""",
    """class Scaler_{n}:
    def __init__(self, factor):
        self.factor = factor
        self.seen = []

    def fit(self, frame):
        self.seen.append(len(frame))
        return self

    def transform(self, frame):
        return frame * self.factor""",
    """scaler_{n} = Scaler_{n}({n} + 2).fit(table_{n})
features_{n} = scaler_{n}.transform(joined_{n}[["value", "scaled"]])
target_{n} = (joined_{n}["value"] > THRESHOLD).astype(int)""",
    """X_train_{n}, X_test_{n}, y_train_{n}, y_test_{n} = train_test_split(features_{n}, target_{n}, test_size=0.2)
model_{n} = LogisticRegression(C=1.0, max_iter=200)
model_{n}.fit(X_train_{n}, y_train_{n})""",
    """predicted_{n} = model_{n}.predict(X_test_{n})
accuracy_{n} = accuracy_score(y_test_{n}, predicted_{n})
print(f"round {n}: {{accuracy_{n}:.3f}} of {{len(predicted_{n})}}")""",
    """fig, ax = plt.subplots(figsize=(8, 4))
ax.hist(joined_{n}["value"], bins=30)
ax.set_title("Round {n}")
plt.show()""",
    """history_{n} = clean_{n}(table_{n})
best_{n} = max(accuracy_{n}, accuracy_{p})
history_{n}["best"] = best_{n}""",
)
CELLS_PER_STAGE = 60
STAGES = ("ingest", "transform", "train", "evaluate")
ROUND_ZERO = 'table_0 = pd.DataFrame({"value": [1.0, 2.0], "group": [0, 1], "scaled": [0.0, 1.0]})\naccuracy_0 = 0.0'


def synthetic_notebook(cells: int) -> str:
    """The text of an ``.ipynb`` with this many code cells and half as many of markdown."""
    made: list[dict[str, object]] = []
    for position, source in enumerate(_sources(cells)):
        tags = []
        if position >= 2 and (position - 2) % CELLS_PER_STAGE == 0:
            visit, stage = divmod((position - 2) // CELLS_PER_STAGE, len(STAGES))
            tags = [f"stage:{STAGES[stage]}_{visit}"]
        if position % 2 == 0:
            made.append({"cell_type": "markdown", "metadata": {}, "source": f"## Part {position}\n\nSome words."})
        code = {"cell_type": "code", "metadata": {"tags": tags}, "source": source, "outputs": []}
        made.append({**code, "execution_count": None})
    metadata = {"language_info": {"name": "python"}}
    return json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": metadata, "cells": made})


def _sources(cells: int) -> Iterator[str]:
    yield SETUP
    yield ROUND_ZERO
    for position in range(cells - 2):
        number = position // len(ROUND) + 1
        call = "kept" if number % 5 == 1 else f"clean_{number - 1}(kept, limit)"  # helpers that call helpers
        yield ROUND[position % len(ROUND)].format(n=number, p=number - 1, call=call)
