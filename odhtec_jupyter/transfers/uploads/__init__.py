"""Request bodies that become objects."""
