"""Training of generators on your own images."""
