"""The roles and databases of PostgreSQL, and how their passwords are compared."""
