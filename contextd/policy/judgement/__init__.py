"""What is thought of a message: its kind, and whether a human should take over."""
