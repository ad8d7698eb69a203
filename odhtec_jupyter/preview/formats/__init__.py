"""One module for each format, and the modules that they share."""
