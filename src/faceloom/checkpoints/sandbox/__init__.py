"""Reading untrusted files: a restricted unpickler, size bounds, and a subprocess with limits."""
