"""派警单: one unit asked to go to one matter, and every step it takes."""
