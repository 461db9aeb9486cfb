"""The referral: the patient payload, its checks (derived from the vocabulary), and the facts it gives at one moment."""
