"""What makes somebody a second person waits for a second person."""
