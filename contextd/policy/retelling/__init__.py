"""What a model is asked to retell, and whether what it answers may be shown."""
