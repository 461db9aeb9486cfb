"""Cohorts: from a registry's own tables to the facts that the query reading takes, and what comes of it."""
