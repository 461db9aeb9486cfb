"""The CDS Hooks door: what an EHR calls while a clinician drafts a referral. It decides nothing."""
