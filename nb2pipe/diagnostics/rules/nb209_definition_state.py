"""NB209: a cache that several stages use."""

from nb2pipe.diagnostics.model import Rule, Severity

RULE = Rule(
    code="NB209",
    title="a cache that several stages use",
    severity=Severity.ERROR,
    message="`{name}` keeps what it computed ({what}), which a later stage would not see",
    mend="leave the cache out, or keep the results in a dictionary of your own",
    earns="""\
# %%
import functools
@functools.lru_cache
def rows(n):
    return list(range(n))
# %% tags=["stage:load_data"]
first = rows(3)
# %% tags=["stage:transform"]
first.append(rows(3))
""",
    clean="""\
# %%
def rows(n):
    return list(range(n))
# %% tags=["stage:load_data"]
first = rows(3)
# %% tags=["stage:transform"]
first.append(rows(3))
""",
)
