"""Encoding of the photos of large folders and of object storage, by one process or many."""
