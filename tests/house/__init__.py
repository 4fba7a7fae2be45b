"""House rules: fast checks of the source text itself. No database, no network."""
