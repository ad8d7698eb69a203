"""HTTP: parse, call, reply. A verb is about ten lines; what it does stands in the stores and transfers."""
