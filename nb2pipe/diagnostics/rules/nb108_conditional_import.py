"""NB108: an import inside a block."""

from nb2pipe.diagnostics.model import Rule, Severity

RULE = Rule(
    code="NB108",
    title="an import inside a block",
    severity=Severity.ERROR,
    message="`{name}` is imported inside a block and used in another stage",
    mend="import it on a line of its own",
    earns="""\
# %%
try:
    import json as codec
except ImportError:
    import pickle as codec
# %% tags=["stage:load_data"]
text = codec.dumps([1])
""",
    clean="""\
# %%
import json as codec
# %% tags=["stage:load_data"]
text = codec.dumps([1])
""",
)
