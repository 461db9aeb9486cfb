"""What a cohort's recommendations come to: who is eligible for what, what stands in the way, which missing item costs most."""
