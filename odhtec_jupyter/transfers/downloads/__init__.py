"""Objects and ZIP archives as replies."""
