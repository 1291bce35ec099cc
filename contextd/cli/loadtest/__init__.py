"""`contextd loadtest`: calls at moments fixed beforehand, and how late each was answered."""
