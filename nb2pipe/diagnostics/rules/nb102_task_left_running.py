"""NB102: a task that goes on when its cell has ended."""

from nb2pipe.diagnostics.model import Rule, Severity

RULE = Rule(
    code="NB102",
    title="task left running",
    severity=Severity.ERROR,
    message="`{name}` starts a task that this cell does not await, so it may go on while later cells run",
    mend="await the task in the same cell, or call the coroutine with `await` directly",
    earns="""\
# %%
import asyncio
rows = []
async def fetch():
    rows.append(1)
# %% tags=["stage:load_data"]
task = asyncio.create_task(fetch())
# %% tags=["stage:transform"]
print(rows)
""",
    clean="""\
# %%
import asyncio
async def fetch():
    return [1, 2]
# %% tags=["stage:load_data"]
task = asyncio.create_task(fetch())
rows = await task
del task
""",
)
