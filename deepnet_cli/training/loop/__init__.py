"""The loop: what is trained, update by update, and its rows."""
