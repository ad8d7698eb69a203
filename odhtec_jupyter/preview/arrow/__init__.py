"""Parquet and Arrow, read by pyarrow in a process of its own."""
