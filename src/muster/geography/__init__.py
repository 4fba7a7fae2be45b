"""Where: the city pack, places, jurisdictions, cells, datums and distances."""
