"""NB105: names made or read at run time."""

from nb2pipe.diagnostics.model import Rule, Severity

RULE = Rule(
    code="NB105",
    title="names made or read at run time",
    severity=Severity.ERROR,
    message="`{name}` reaches into the namespace at run time, so what crosses cannot be told",
    mend="keep such values in a dictionary of your own",
    earns="""\
# %% tags=["stage:load_data"]
globals()["rows"] = [1, 2]
# %% tags=["stage:transform"]
total = sum(rows)
""",
    clean="""\
# %% tags=["stage:load_data"]
tables = {"rows": [1, 2]}
# %% tags=["stage:transform"]
total = sum(tables["rows"])
""",
)
