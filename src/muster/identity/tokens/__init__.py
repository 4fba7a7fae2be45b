"""API tokens: what machines show at the door instead of a session."""
