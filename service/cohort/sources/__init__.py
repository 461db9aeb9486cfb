"""Where a cohort comes from: files, a DuckDB file, a PostgreSQL database. Opened, never read to the end, never changed."""
