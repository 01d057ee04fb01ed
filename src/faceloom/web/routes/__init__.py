"""Routes of the REST API: they check requests, call the booth, and return typed views."""
