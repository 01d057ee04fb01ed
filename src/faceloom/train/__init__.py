"""Training a generator of one's own."""
