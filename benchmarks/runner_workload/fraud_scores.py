# %% [markdown]
# # Fraud scores
#
# Card payments, scored by gradient boosting. The workload of the runner's benchmark.

# %% tags=["parameters"]
payments_path = "payments.csv"
learning_rate = 0.1
max_iter = 30
seed = 0
least_auc = 0.6

# %%
import joblib
import numpy as np
import pandas as pd
import pandera.pandas as pa
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import accuracy_score, roc_auc_score

FEATURES = [*(f"f{i}" for i in range(6)), "log_amount", "f12", "hour", "day", "segment_code", "merchant_share"]

# %% tags=["stage:load_data"]
payments = pd.read_csv(payments_path)

# %% tags=["stage:validate_data"]
schema = pa.DataFrameSchema(
    {
        "id": pa.Column(int, unique=True),
        "amount": pa.Column(float, pa.Check.gt(0)),
        "label": pa.Column(int, pa.Check.isin([0, 1])),
        "segment": pa.Column(str, pa.Check.str_startswith("segment_")),
        "merchant": pa.Column(str),
        "ts": pa.Column(str),
        **{f"f{i}": pa.Column(float, pa.Check.in_range(-10, 10)) for i in range(6)},
    }
)
payments = schema.validate(payments, lazy=True)

# %% tags=["stage:transform"]
when = pd.to_datetime(payments["ts"], format="%Y-%m-%d %H:%M:%S")
table = pd.DataFrame({f"f{i}": payments[f"f{i}"] for i in range(6)})
table["log_amount"] = np.log(payments["amount"])
table["f12"] = payments["f1"] * payments["f2"]
table["hour"] = when.dt.hour.astype("float64")
table["day"] = when.dt.dayofweek.astype("float64")
table["segment_code"] = payments["segment"].str[-2:].astype("float64")
shares = payments["merchant"].value_counts(normalize=True)
table["merchant_share"] = payments["merchant"].map(shares).astype("float64")
table["segment"] = payments["segment"]
table["label"] = payments["label"]
held_out = payments["id"] % 5 == 0
train_table = table[~held_out].reset_index(drop=True)
test_table = table[held_out].reset_index(drop=True)

# %% tags=["stage:train"]
sample = train_table.sample(n=min(len(train_table), 400_000), random_state=seed)
model = HistGradientBoostingClassifier(
    learning_rate=learning_rate, max_iter=max_iter, random_state=seed, early_stopping=False
)
model.fit(sample[FEATURES], sample["label"])

# %% tags=["stage:evaluate"]
scores = model.predict_proba(test_table[FEATURES])[:, 1]
labels = test_table["label"].to_numpy()
segments = test_table.groupby("segment").indices
slices = {str(name): float(roc_auc_score(labels[rows], scores[rows])) for name, rows in segments.items()}
metrics = {"auc": float(roc_auc_score(labels, scores)), "accuracy": float(accuracy_score(labels, scores > 0.5))}

# %% tags=["stage:package"]
if metrics["auc"] < least_auc:
    raise RuntimeError(f"auc {metrics['auc']:.3f} is below {least_auc}")
joblib.dump({"model": model, "metrics": metrics, "slices": slices}, "model.joblib")
