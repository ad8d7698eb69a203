"""The arguments of the commands: declared, completed, and expanded to what they name."""
