"""One run from its beginning to its end, and runs made again."""
