"""Report."""

from pathlib import Path


def report(metrics: dict) -> None:
    """A file beside the notebook."""
    Path("out").mkdir(exist_ok=True)
    Path("out/metrics.txt").write_text(str(metrics["error"]))
