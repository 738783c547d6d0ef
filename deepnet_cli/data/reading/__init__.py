"""x and y found in a file and read, or left there; what is held out; labels."""
