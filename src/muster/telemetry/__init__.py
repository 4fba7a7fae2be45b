"""Where things are now: the latest position of every unit, and its history."""
