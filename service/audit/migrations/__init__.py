"""How the tables of the record came to be, step by step, for alembic. What was once released here is never changed."""
