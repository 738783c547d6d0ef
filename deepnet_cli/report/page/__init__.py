"""One HTML page about runs, which stands alone."""
