# %% tags=["stage:load_data"]
rows = ["1", "2", "x"]

# %% tags=["stage:validate_data"]
good = []
for row in rows:
    try:
        good.append(int(row))
    except ValueError:
        last_bad = row

# %% tags=["stage:evaluate"]
if "last_bad" in globals():
    print(last_bad, len(good))
