"""NB202: a name that nothing binds before it is read."""

from nb2pipe.diagnostics.model import Rule, Severity

RULE = Rule(
    code="NB202",
    title="a name that nothing binds before it is read",
    severity=Severity.ERROR,
    message="`{name}` is read, but no earlier cell of the pipeline binds it",
    mend="bind `{name}` in an earlier cell that is not tagged `skip`",
    earns="""\
# %% tags=["stage:load_data"]
rows = [1, 2, 3]
# %% tags=["stage:transform"]
total = sum(numbers)
""",
    clean="""\
# %% tags=["stage:load_data"]
numbers = [1, 2, 3]
# %% tags=["stage:transform"]
total = sum(numbers)
""",
)
