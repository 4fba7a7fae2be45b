"""The other door: `./muster WORDS`."""
