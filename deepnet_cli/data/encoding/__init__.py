"""From what a file has to X and Y, fitted on the training part; also while it is read."""
