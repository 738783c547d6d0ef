"""The gradient check: that the backward pass is right, or where it is wrong first, and why.

trace          every value and derivative, as the training code makes them
probe          numerical derivatives in one direction, by the complex step
rounding       how far rounding alone moves each derivative
walk           the verdict on each node, from the loss backwards
bisection      the entry where a wrong node is wrong
suspects       the usual bugs, held against a wrong node
crosscheck     a second witness: central differences, and what happens at kinks
invariances    what J and its gradient must keep
mutations      bugs planted on purpose: the check checked
report         all of it together
"""
