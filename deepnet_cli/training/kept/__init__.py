"""What is kept of a run: its directory, model, checkpoints and logs, written and read."""
