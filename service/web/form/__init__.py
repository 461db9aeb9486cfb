"""The clinician's form: what is known of a patient goes in, the recommendation comes out. It decides and stores nothing."""
