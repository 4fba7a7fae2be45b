"""Signing in: policies, second factors, counted attempts, resets by two, hand-overs, denials."""
