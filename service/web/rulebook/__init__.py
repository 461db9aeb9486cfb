"""The rulebook in use, to be read in a browser: the pages of `flask rules doc`."""
