"""The loop as a generator of steps, and what a run keeps."""
