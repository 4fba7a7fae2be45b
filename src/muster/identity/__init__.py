"""Who, under what authority: organisations, people, roles, grants, sessions, reader."""
