"""The demonstration: an S3 server, a hub that serves a real model, and JupyterLab, on one machine.

The extension itself imports nothing from this package. The tests use its parts.
"""
