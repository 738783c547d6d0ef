"""Update rules on one flat parameter vector."""
