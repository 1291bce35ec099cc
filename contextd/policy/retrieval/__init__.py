"""What of the past this message needs: passages, their index, the search."""
