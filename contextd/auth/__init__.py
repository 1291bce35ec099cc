"""Adapters that say who asks: token files, JSON Web Tokens, certificates."""
