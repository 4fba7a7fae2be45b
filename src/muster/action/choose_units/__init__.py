"""Which unit can be there first, and why."""
