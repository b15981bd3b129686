"""NB103: import of everything a module holds."""

from nb2pipe.diagnostics.model import Rule, Severity

RULE = Rule(
    code="NB103",
    title="import of everything a module holds",
    severity=Severity.ERROR,
    message="`{construct}` binds names that only executing it would tell",
    mend="import the names that the notebook uses",
    earns="""\
# %%
from math import *
# %% tags=["stage:load_data"]
root = sqrt(2)
""",
    clean="""\
# %%
from math import sqrt
# %% tags=["stage:load_data"]
root = sqrt(2)
""",
)
