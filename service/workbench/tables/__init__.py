"""The case tables of `fixtures/thresholds/`: reading them, and holding a rulebook against them."""
