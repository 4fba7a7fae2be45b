"""The database's shape, version by version. SQL text only."""
