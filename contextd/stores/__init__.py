"""Adapters of the SessionStore port."""
