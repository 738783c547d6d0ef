"""What is in a file, and what is worth knowing of it."""
