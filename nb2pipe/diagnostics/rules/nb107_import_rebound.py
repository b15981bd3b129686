"""NB107: a name that is an import and something else."""

from nb2pipe.diagnostics.model import Rule, Severity

RULE = Rule(
    code="NB107",
    title="a name that is an import and something else",
    severity=Severity.ERROR,
    message="`{name}` is imported and also bound to something else",
    mend="give the import or the variable another name",
    earns="""\
# %%
import json
# %% tags=["stage:load_data"]
json = json.dumps([1])
# %% tags=["stage:transform"]
size = len(json)
""",
    clean="""\
# %%
import json
# %% tags=["stage:load_data"]
text = json.dumps([1])
# %% tags=["stage:transform"]
size = len(text)
""",
)
