"""A published rulebook in one file: the rule files as they are, a manifest that says what they are, and a signature over it."""
