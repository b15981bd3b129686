# %%
import asyncio

# %% tags=["stage:load_data"]
name = "rows"
# !printf 'a\nb\n' > {name}.txt
# %cd -q .
lines = await asyncio.gather(asyncio.sleep(0, "a"))

# %% tags=["stage:transform"]
# %%time
kept = [line for line in open(f"{name}.txt") if line]
if __name__ == "__main__":
    kept += lines

# %% tags=["stage:evaluate"]
print(kept)
