"""NB213: a name that functions of several stages share, bound where no attribute can stand."""

from nb2pipe.diagnostics.model import Rule, Severity

RULE = Rule(
    code="NB213",
    title="a shared name that only a name can bind",
    severity=Severity.ERROR,
    message="`{name}`, which functions of several stages share, is bound here in a way that cannot be carried",
    mend="bind it with a plain assignment: `{name} = ...`",
    earns="""\
# %%
class Model:
    def predict(self, x):
        return x + offset
# %% tags=["stage:train"]
if (offset := 3) > 2:
    model = Model()
# %% tags=["stage:evaluate"]
result = model.predict(1)
""",
    clean="""\
# %%
class Model:
    def predict(self, x):
        return x + offset
# %% tags=["stage:train"]
offset = 3
if offset > 2:
    model = Model()
# %% tags=["stage:evaluate"]
result = model.predict(1)
""",
)
