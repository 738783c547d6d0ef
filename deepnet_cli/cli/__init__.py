"""One small file a command: parse, call, print.  The only room that knows click and tqdm."""
