"""One page for the wall: what a cohort's figures come to, drawn without a display, the same bytes for the same figures."""
