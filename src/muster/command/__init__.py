"""指: what is decided."""
