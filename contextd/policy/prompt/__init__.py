"""What is sent to the model: pressure and tier, the window, the messages, the formats."""
