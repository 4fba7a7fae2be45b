"""Feeds of machines that cannot speak HTTP: each a process of its own before the doors."""
