"""The embedded demonstration: an S3 server, a hub that serves a real model, and JupyterLab, on one machine.

Nothing here is imported by the extension itself. The tests use the same parts.
"""
