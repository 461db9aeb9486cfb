"""The mutation score: can a value of the rulebook change unnoticed?"""
