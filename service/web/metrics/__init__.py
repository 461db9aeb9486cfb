"""What is counted while the service runs, for Prometheus. Labels are words of the rulebook and of this code, never a value or an id."""
