"""行: who is on duty, who was asked, what they did."""
