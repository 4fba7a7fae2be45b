"""Muster 集结: intelligence, command and action in one loop."""
