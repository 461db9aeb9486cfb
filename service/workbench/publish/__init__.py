"""Publishing: from rules that pass to a numbered, approved, signed bundle."""
