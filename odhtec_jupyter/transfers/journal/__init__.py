"""What survives a killed server: transfers, pending writes, resumable uploads."""
