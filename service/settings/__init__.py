"""Every setting of the service: named once, in one table, read from one file or the environment, checked at the start."""
