"""The mathematics: knows NumPy and nothing else."""
