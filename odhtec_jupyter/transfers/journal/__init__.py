"""The data that survives a killed server: transfers, pending writes, resumable uploads."""
