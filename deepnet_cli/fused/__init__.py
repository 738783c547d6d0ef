"""Elementwise work in one pass: a formula in NumPy, run in blocks or compiled to one loop."""
