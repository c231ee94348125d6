"""Several processes of Earful on one PostgreSQL, and what may happen to any of them."""
