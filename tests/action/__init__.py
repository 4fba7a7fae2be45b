"""Tests of action."""
