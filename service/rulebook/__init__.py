"""Loading, checking and digesting `rules/`: from files to one immutable Rulebook."""
