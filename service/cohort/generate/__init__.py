"""Synthetic cohorts: patients who never lived, drawn from documented distributions, in the layout that a registry brings.

A file of distributions (`reading`) says how each item of the vocabulary is drawn (`tables`), the truth of a patient comes first
(`truth`), and then what of it was written down, when, in which unit and how badly (`record`, `faults`). Nothing here decides.
"""
