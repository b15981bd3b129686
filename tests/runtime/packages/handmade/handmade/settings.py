"""Process settings."""


def settings():
    """What the notebook set for the whole process."""
    import warnings

    warnings.simplefilter("ignore", ResourceWarning)
