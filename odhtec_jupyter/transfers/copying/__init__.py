"""Moving the bytes of one file: in blocks, by parallel ranges, or within a store; verified."""
