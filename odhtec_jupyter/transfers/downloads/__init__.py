"""Downloads of objects and ZIP archives."""
