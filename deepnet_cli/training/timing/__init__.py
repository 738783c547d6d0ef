"""How long a step takes, part by part, against what the machine can do."""
