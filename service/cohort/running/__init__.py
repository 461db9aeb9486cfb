"""A cohort in parts: each computed within the memory that was granted, written whole or not at all, and gone on with."""
