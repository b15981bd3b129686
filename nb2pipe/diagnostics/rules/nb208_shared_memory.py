"""NB208: two names for one block of memory."""

from nb2pipe.diagnostics.model import Rule, Severity

RULE = Rule(
    code="NB208",
    title="two names for one block of memory",
    severity=Severity.ERROR,
    message="`{name}` may share memory with `{other}`, written to in another stage; a view does not survive storing",
    mend="take a copy (`.copy()`), or keep view and base in one stage",
    earns="""\
# %%
import numpy as np
# %% tags=["stage:load_data"]
base = np.zeros(6)
half = base[:3]
# %% tags=["stage:transform"]
half[0] = 1.0
# %% tags=["stage:evaluate"]
total = base.sum()
""",
    clean="""\
# %%
import numpy as np
# %% tags=["stage:load_data"]
base = np.zeros(6)
# %% tags=["stage:transform"]
base[:3][0] = 1.0
# %% tags=["stage:evaluate"]
total = base.sum()
""",
)
