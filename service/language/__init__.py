"""The rule language: condition tree, grammar, types and units, and Kleene's logic: the reference meaning.

Ground floor: imports nothing else of the service.
"""
