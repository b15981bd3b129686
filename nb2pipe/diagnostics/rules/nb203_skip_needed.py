"""NB203: a skip cell that the pipeline needs."""

from nb2pipe.diagnostics.model import Rule, Severity

RULE = Rule(
    code="NB203",
    title="a skip cell that the pipeline needs",
    severity=Severity.ERROR,
    message="`{name}` is {what} in this cell, which is tagged `skip`, and cell {reader} needs it",
    mend="take the tag `skip` off, or move what is needed into a cell of a stage",
    earns="""\
# %% tags=["stage:load_data"]
rows = [1, 2, 3]
# %% tags=["skip"]
rows.append(4)
# %% tags=["stage:transform"]
total = sum(rows)
""",
    clean="""\
# %% tags=["stage:load_data"]
rows = [1, 2, 3]
rows.append(4)
# %% tags=["skip"]
len(rows)
# %% tags=["stage:transform"]
total = sum(rows)
""",
)
