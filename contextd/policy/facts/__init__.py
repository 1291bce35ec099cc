"""What is worth keeping of turns: facts, pinned sentences, the open issue, a summary."""
