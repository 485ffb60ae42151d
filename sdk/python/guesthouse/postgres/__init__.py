"""libpq's objects for psycopg 3, in Python: PostgreSQL's frontend/backend protocol 3.0 over `socket` and `ssl`."""
