"""nb2pipe turns a Jupyter notebook that works into a training pipeline that a team can govern."""

__version__ = "0.1.0"
