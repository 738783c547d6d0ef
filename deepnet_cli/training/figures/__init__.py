"""What parameters are worth on data, with intervals, and simple predictors beside them."""
