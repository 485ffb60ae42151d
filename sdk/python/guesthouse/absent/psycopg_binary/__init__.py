"""What psycopg takes for its compiled half. The host's guests have libpq's objects in Python: `guesthouse.postgres`."""
