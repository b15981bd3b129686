"""NB210: a function that reads variables and is handed on."""

from nb2pipe.diagnostics.model import Rule, Severity

RULE = Rule(
    code="NB210",
    title="a function that reads variables and is handed on",
    severity=Severity.ERROR,
    message="function `{name}` reads `{variable}` and is handed on as a value, so `{variable}` cannot go with it",
    mend="give `{variable}` to `{name}` as an argument",
    earns="""\
# %%
def scale(x):
    return x * factor
# %% tags=["stage:load_data"]
factor = len("ab")
handlers = [scale]
# %% tags=["stage:transform"]
scaled = [h(3) for h in handlers] + list(map(scale, [1]))
""",
    clean="""\
# %%
def scale(x, factor):
    return x * factor
# %% tags=["stage:load_data"]
factor = len("ab")
# %% tags=["stage:transform"]
scaled = [scale(3, factor)]
""",
)
