"""NB212: a variable that only a function binds."""

from nb2pipe.diagnostics.model import Rule, Severity

RULE = Rule(
    code="NB212",
    title="a variable that only a function binds",
    severity=Severity.ERROR,
    message="function `{name}` binds `{variable}` with `global`, and no statement outside functions does",
    mend="bind `{variable}` before the call (to None, for instance), or return the value and assign it",
    earns="""\
# %%
def choose_device():
    global device
    device = "cpu"
# %% tags=["stage:load_data"]
choose_device()
# %% tags=["stage:transform"]
label = device.upper()
""",
    clean="""\
# %%
def choose_device():
    return "cpu"
# %% tags=["stage:load_data"]
device = choose_device()
# %% tags=["stage:transform"]
label = device.upper()
""",
)
