"""One verb a file: read → decide → write.  Knows ports and policy, never an adapter."""
