"""Functions, classes and constants of the notebook."""

from sklearn.metrics import roc_auc_score


def minutes_since_midnight(clock):
    """Times of day come as 517 for 5:17."""
    return clock // 100 * 60 + clock % 100


def slice_scores(truth, score, groups, at_least=500):
    """ROC AUC and share of late flights for each group that is large enough."""
    scores = {}
    for group in sorted(groups.unique()):
        inside = (groups == group).to_numpy()
        if inside.sum() >= at_least:
            scores[group] = {
                "roc_auc": float(roc_auc_score(truth[inside], score[inside])),
                "late_share": float(truth[inside].mean()),
            }
    return scores
