"""Run them with `python -m unittest`, in the folder of the project."""
