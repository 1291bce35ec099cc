"""The public contract as Python code, generated from `proto/contextd/v1` by `make proto`."""
