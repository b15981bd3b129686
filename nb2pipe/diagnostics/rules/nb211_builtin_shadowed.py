"""NB211: a builtin that is read and then bound."""

from nb2pipe.diagnostics.model import Rule, Severity

RULE = Rule(
    code="NB211",
    title="a builtin that is read and then bound",
    severity=Severity.ERROR,
    message="`{name}` is read as Python's builtin and later bound in the same stage",
    mend="give the variable another name",
    earns="""\
# %% tags=["stage:load_data"]
rows = [3, 1]
sum = sum(rows)
""",
    clean="""\
# %% tags=["stage:load_data"]
rows = [3, 1]
total = sum(rows)
""",
)
