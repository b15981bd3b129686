"""NB102: await outside a function."""

from nb2pipe.diagnostics.model import Rule, Severity

RULE = Rule(
    code="NB102",
    title="await outside a function",
    severity=Severity.ERROR,
    message="`await` stands outside a function; a stage function is not a coroutine",
    mend="use `asyncio.run(...)` around it",
    earns="""\
# %%
import asyncio
async def fetch():
    return [1, 2]
# %% tags=["stage:load_data"]
rows = await fetch()
""",
    clean="""\
# %%
import asyncio
async def fetch():
    return [1, 2]
# %% tags=["stage:load_data"]
rows = asyncio.run(fetch())
""",
)
