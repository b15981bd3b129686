"""NB106: a module that lies beside the notebook."""

from nb2pipe.diagnostics.model import Rule, Severity

RULE = Rule(
    code="NB106",
    title="a module that lies beside the notebook",
    severity=Severity.ERROR,
    message="`{name}` is a file beside the notebook, which the package does not carry",
    mend="make it a package and install it, or move its functions into the notebook",
    earns="""\
# %%
import my_helpers_beside_the_notebook
# %% tags=["stage:load_data"]
rows = my_helpers_beside_the_notebook.load()
""",
    clean="""\
# %%
import json
# %% tags=["stage:load_data"]
rows = json.loads("[1, 2]")
""",
)
