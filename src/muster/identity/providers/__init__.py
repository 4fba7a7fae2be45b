"""Signing in at an outside provider (OpenID Connect): who is who there, and what it may say."""
