"""A day of a city, and recorded days, played through the real doors."""
