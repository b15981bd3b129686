"""NB204: a function or class that changes its meaning."""

from nb2pipe.diagnostics.model import Rule, Severity

RULE = Rule(
    code="NB204",
    title="a function or class that changes its meaning",
    severity=Severity.ERROR,
    message="`{name}` is defined more than once, and which one is meant depends on when it is called",
    mend="give each definition its own name",
    earns="""\
# %%
def clean(rows):
    return rows
# %% tags=["stage:load_data"]
first = clean([3, 1])
# %% tags=["stage:transform"]
def clean(rows):
    return sorted(rows)
second = clean(first)
""",
    clean="""\
# %%
def clean(rows):
    return rows
def clean_and_sort(rows):
    return sorted(rows)
# %% tags=["stage:load_data"]
first = clean([3, 1])
# %% tags=["stage:transform"]
second = clean_and_sort(first)
""",
)
