"""The schema's history; every step can be undone."""
