"""The prove reading: the same condition tree as formulas of Z3, so that a question is answered for every patient at once."""
