# %%
import statistics

threshold = 0.5


class Scorer:
    """Counts what is above the threshold."""

    def score(self, values):
        return sum(value > threshold for value in values)


# %% [markdown]
# ## Load
# Four measurements.

# %% tags=["stage:load_data"]
values = [0.2, 0.6, 0.7, 0.9]
scorer = Scorer()

# %% tags=["stage:train"]
# stricter than in the exploration
threshold = statistics.mean(values)
ways = {"above": lambda: scorer.score(values)}

# %% tags=["stage:evaluate"]
above = ways["above"]()
print(f"{above=} {threshold:.2f}")
