"""What is tried out: a fit of some examples, whether x says anything of y, the pace, gradients."""
