"""NB104: a name that only a kernel has."""

from nb2pipe.diagnostics.model import Rule, Severity

RULE = Rule(
    code="NB104",
    title="a name that only a kernel has",
    severity=Severity.ERROR,
    message="`{name}` exists only in a notebook kernel",
    mend="assign the value to a name of your own, or tag the cell `skip`",
    earns="""\
# %% tags=["stage:load_data"]
1 + 1
# %% tags=["stage:transform"]
doubled = _ * 2
""",
    clean="""\
# %% tags=["stage:load_data"]
total = 1 + 1
# %% tags=["stage:transform"]
doubled = total * 2
""",
)
