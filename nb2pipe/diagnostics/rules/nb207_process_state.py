"""NB207: process state that cannot be replayed."""

from nb2pipe.diagnostics.model import Rule, Severity

RULE = Rule(
    code="NB207",
    title="process state that cannot be replayed",
    severity=Severity.ERROR,
    message="`{construct}` changes the state of the process in a way that later stages would not see",
    mend="keep the value in a variable, or set it in the setup cells with literal arguments",
    earns="""\
# %%
import os
# %% tags=["stage:load_data"]
folder = "data"
os.chdir(folder)
# %% tags=["stage:transform"]
rows = open("rows.csv").read()
""",
    clean="""\
# %%
import os
# %% tags=["stage:load_data"]
os.chdir("data")
# %% tags=["stage:transform"]
rows = open("rows.csv").read()
""",
)
