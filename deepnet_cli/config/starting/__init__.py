"""A first config for data that nobody has trained on yet, with the reason for each value."""
