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
from scipy.special import *
# %% tags=["stage:load_data"]
root = expit(2)
""",
    clean="""\
# %%
from math import *
from scipy.special import expit
# %% tags=["stage:load_data"]
root = expit(sqrt(2))
""",
)
