"""What a human gets: the payload and its rendering."""
