"""The rulebook as a site: the same pages written to a folder and served read-only. It decides nothing."""
