"""NB206: a value that no store can hold."""

from nb2pipe.diagnostics.model import Rule, Severity

RULE = Rule(
    code="NB206",
    title="a value that no store can hold",
    severity=Severity.ERROR,
    message="`{name}` ({what}) cannot be stored, and stage `{stage}` needs it",
    mend="make it in the stage that uses it, or keep the plain data instead",
    earns="""\
# %% tags=["stage:load_data"]
squares = (n * n for n in range(5))
# %% tags=["stage:transform"]
total = sum(squares)
""",
    clean="""\
# %% tags=["stage:load_data"]
squares = [n * n for n in range(5)]
# %% tags=["stage:transform"]
total = sum(squares)
""",
)
