"""Schemas of what crosses."""

import pandera.pandas as pa

NUMBERS = pa.DataFrameSchema({"x": pa.Column(int, pa.Check.in_range(0, 1000)), "y": pa.Column(int)})
