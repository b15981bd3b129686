"""NB209: state kept inside a function or class."""

from nb2pipe.diagnostics.model import Rule, Severity

RULE = Rule(
    code="NB209",
    title="state kept inside a function or class",
    severity=Severity.ERROR,
    message="`{name}` keeps state of its own ({what}), which a later stage would not see",
    mend="keep the state in a variable that is passed in and returned",
    earns="""\
# %%
def remember(x, seen=[]):
    seen.append(x)
    return list(seen)
# %% tags=["stage:load_data"]
first = remember(1)
# %% tags=["stage:transform"]
second = remember(2)
""",
    clean="""\
# %%
def remember(x, seen):
    return seen + [x]
# %% tags=["stage:load_data"]
first = remember(1, [])
# %% tags=["stage:transform"]
second = remember(2, first)
""",
)
