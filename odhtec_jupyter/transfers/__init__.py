"""The engine: moving bytes safely, and telling how far they are. It knows nothing of HTTP handlers."""
