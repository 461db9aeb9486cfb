"""What the committee's page runs over a draft, in a process of its own: check, prove, test, impact."""
