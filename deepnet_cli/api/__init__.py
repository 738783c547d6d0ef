"""What Python code does with deepnet: the same as the commands, by the same lines."""
