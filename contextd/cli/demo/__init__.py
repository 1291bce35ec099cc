"""`contextd demo`: a written conversation through a real daemon."""
