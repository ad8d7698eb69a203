"""Transfers between S3 and the files of this machine, run by threads of this process."""
