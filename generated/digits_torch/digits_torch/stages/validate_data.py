"""Stage validate_data, from cell 11 of the notebook."""

import numpy as np


def validate_data(images: np.ndarray, labels: np.ndarray) -> None:
    """Check.

    Ten classes, square images, no gaps, no grey value that the scanner cannot produce.
    """
    assert images.shape[1:] == (8, 8)
    assert len(images) == len(labels)
    assert images.min() >= 0 and images.max() <= 16
    assert not np.isnan(images).any()
    assert set(np.unique(labels)) == set(range(10))

    class_counts = np.bincount(labels)
    print("images per digit:", class_counts)
