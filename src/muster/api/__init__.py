"""The door: a route parses, calls, renders."""
