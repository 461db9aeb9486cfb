"""Borderline cases: for every criterion of a rule, the smallest patient on whom it decides, on either side."""
