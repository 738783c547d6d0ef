"""What deepnet promises, shown on the machine where it is installed."""
