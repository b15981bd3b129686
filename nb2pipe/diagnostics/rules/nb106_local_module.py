"""NB106: a module that lies beside the notebook."""

from nb2pipe.diagnostics.model import Rule, Severity

RULE = Rule(
    code="NB106",
    title="a module that lies beside the notebook",
    severity=Severity.ERROR,
    message="`{name}` lies beside the notebook and cannot go into the package: {why}",
    mend="install it as a package, or move its functions into the notebook",
    earns="""\
# %%
from .helpers import load
# %% tags=["stage:load_data"]
rows = load()
""",
    clean="""\
# %%
import json
# %% tags=["stage:load_data"]
rows = json.loads("[1, 2]")
""",
)
