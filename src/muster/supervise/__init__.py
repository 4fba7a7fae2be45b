"""Keeping programs alive: the embedded PostgreSQL, the server, the simulator."""
