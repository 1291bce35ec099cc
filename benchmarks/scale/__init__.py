"""From one pod to a million sessions: a model, its figures, and where they come from."""
