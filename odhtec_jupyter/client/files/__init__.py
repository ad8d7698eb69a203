"""Objects as Python file objects: reading, writing, appending."""
