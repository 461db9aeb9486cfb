"""Other rules engines, given the same rules and the same patients."""
