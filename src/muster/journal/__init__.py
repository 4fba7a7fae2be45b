"""What happened, in order: the journal every matter is made of."""
