"""Other formats in and out: a file a format, with a stream of blocks between them."""
