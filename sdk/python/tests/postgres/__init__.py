"""PostgreSQL's protocol in Python. What it takes from psycopg is faked where psycopg is not installed."""

from tests.fakes import psycopg_names

psycopg_names.install()
