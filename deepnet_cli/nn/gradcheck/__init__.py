"""The gradient check: that the backward pass is right, or where it is wrong first, and why.

trace          every value and derivative, as the training code makes them
probe          numerical derivatives in one direction, by the complex step
rounding       how far rounding alone moves each derivative
walk           the verdict on each node, from the loss backwards
penalty        that on what the penalties add
bisection      the entry where a wrong node is wrong
scene          a wrong node, with all that was right before it
diagnosis      the usual bugs, held against it; their formulas are in `formulas`
crosscheck     a second witness: central differences by single entries
invariances    what J and its gradient must keep
precision      how many digits float32 has
mutations      bugs planted on purpose, from `bugs`, as `planted` copies: the check checked
report         all of it together
"""
