"""Safe reading of untrusted files: restricted unpicklers, size bounds, and a subprocess with resource limits."""
