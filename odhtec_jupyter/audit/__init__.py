"""The audit: who did what with which objects, as events of Jupyter's event logger."""
