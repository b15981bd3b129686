"""NB301: a notebook without stage tags."""

from nb2pipe.diagnostics.model import Rule, Severity

RULE = Rule(
    code="NB301",
    title="a notebook without stage tags",
    severity=Severity.WARNING,
    message="no cell has a stage tag, so all of it becomes one stage",
    mend="tag cells `stage:load_data`, `stage:train`, …",
    earns="""\
# %%
rows = [1, 2, 3]
total = sum(rows)
""",
    clean="""\
# %% tags=["stage:load_data"]
rows = [1, 2, 3]
# %% tags=["stage:transform"]
total = sum(rows)
""",
)
