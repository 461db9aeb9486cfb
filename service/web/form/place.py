"""Where a lesion is: the three items of the vocabulary by which the drawing knows its bone."""

SITE, LEVEL, SIDE = (f"lesion.{part}" for part in ("site", "level", "side"))
PLACE = (SITE, LEVEL, SIDE)
