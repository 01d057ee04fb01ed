"""Casts: generated people to order, as a plan describes them, with pictures, labels and files for other programs."""
