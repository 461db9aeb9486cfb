"""The tell reading: why, why not, why this before that, what would change it. In French and in English.

Decides nothing: it says what `recommend` decided, from the same verdicts.
"""
