"""NB201: a name that is bound only on some paths."""

from nb2pipe.diagnostics.model import Rule, Severity

RULE = Rule(
    code="NB201",
    title="a name that is bound only on some paths",
    severity=Severity.ERROR,
    message="`{name}` is bound only on some paths, and stage `{stage}` reads it",
    mend="bind `{name}` on every path, for instance to None first",
    earns="""\
# %%
import os
# %% tags=["stage:load_data"]
if os.environ.get("FAST"):
    limit = 10
# %% tags=["stage:transform"]
rows = list(range(limit))
""",
    clean="""\
# %%
import os
# %% tags=["stage:load_data"]
limit = 100
if os.environ.get("FAST"):
    limit = 10
# %% tags=["stage:transform"]
rows = list(range(limit))
""",
)
