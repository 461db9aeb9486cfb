"""From raw columns to facts: what is usable and fresh at the as-of moment, and a count of all that is not."""
