"""What a text says: sentences, statements, typed values, outcomes, dates."""
