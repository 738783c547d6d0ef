"""The steps a network is made of, each with its way back, one file a step."""
