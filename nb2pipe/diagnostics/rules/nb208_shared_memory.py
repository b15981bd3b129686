"""NB208: two names for one block of memory."""

from nb2pipe.diagnostics.model import Rule, Severity

RULE = Rule(
    code="NB208",
    title="a table and an array on one block of memory",
    severity=Severity.ERROR,
    message="`{name}` may share memory with `{other}`, written to in another stage; a view does not survive storing",
    mend="take a copy (`.copy()`), or keep view and base in one stage",
    earns="""\
# %%
import pandas as pd
# %% tags=["stage:load_data"]
table = pd.DataFrame({"x": [1.0, 2.0]})
memory = table["x"].to_numpy()
# %% tags=["stage:transform"]
table.loc[0, "x"] = 5.0
# %% tags=["stage:evaluate"]
total = memory.sum()
""",
    clean="""\
# %%
import pandas as pd
# %% tags=["stage:load_data"]
table = pd.DataFrame({"x": [1.0, 2.0]})
memory = table["x"].to_numpy().copy()
# %% tags=["stage:transform"]
table.loc[0, "x"] = 5.0
# %% tags=["stage:evaluate"]
total = memory.sum()
""",
)
