"""How fast deepnet is: against itself (gradcheck.py) and against others (peers/)."""
