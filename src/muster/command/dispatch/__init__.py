"""派警: sending units to incidents, and offering again when nobody signs."""
