"""警情: from the call to the archive."""
