"""Matrix products by other libraries than NumPy's, and the rule that says where."""
