"""From verdicts to ranked options, per lesion and for the session."""
