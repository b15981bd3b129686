"""NB212: a function that binds notebook variables."""

from nb2pipe.diagnostics.model import Rule, Severity

RULE = Rule(
    code="NB212",
    title="a function that binds notebook variables",
    severity=Severity.ERROR,
    message="function `{name}` binds `{variable}` with `global`, and it is used in more than one stage",
    mend="return the value and assign it where the function is called",
    earns="""\
# %% tags=["stage:load_data"]
count = 0
def bump():
    global count
    count += 1
bump()
# %% tags=["stage:transform"]
bump()
total = count
""",
    clean="""\
# %% tags=["stage:load_data"]
count = 0
def bumped(count):
    return count + 1
count = bumped(count)
# %% tags=["stage:transform"]
count = bumped(count)
total = count
""",
)
