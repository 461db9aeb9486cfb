"""What is counted while the service runs, for Prometheus. Labels are words of the rulebook and of this code, never a value of a patient.

One metric names clients and the public ids of their keys, as they stand in the file of clients.
"""
