"""ODH-TEC for Jupyter: object storage inside the notebook."""
