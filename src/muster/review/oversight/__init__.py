"""Oversight: what officers did with the platform, looked at by a second pair of eyes."""
