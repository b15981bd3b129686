"""Emission: :class:`~nb2pipe.pipeline.Pipeline` → :class:`~nb2pipe.emit.package.Files`, and writing them."""
