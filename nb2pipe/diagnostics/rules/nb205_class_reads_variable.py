"""NB205: a class that reads notebook variables."""

from nb2pipe.diagnostics.model import Rule, Severity

RULE = Rule(
    code="NB205",
    title="a class that reads notebook variables",
    severity=Severity.ERROR,
    message="class `{name}` reads `{variable}`, a variable of the notebook, so it cannot become part of a module",
    mend="give `{variable}` to the class as an argument of its constructor",
    earns="""\
# %%
class Scaler:
    def scale(self, x):
        return x * FACTOR
# %% tags=["stage:load_data"]
FACTOR = len("ab")
scaled = Scaler().scale(3)
# %% tags=["stage:transform"]
FACTOR = 5
again = Scaler().scale(3)
""",
    clean="""\
# %%
class Scaler:
    def __init__(self, factor):
        self.factor = factor
    def scale(self, x):
        return x * self.factor
# %% tags=["stage:load_data"]
scaled = Scaler(2).scale(3)
# %% tags=["stage:transform"]
again = Scaler(5).scale(3)
""",
)
