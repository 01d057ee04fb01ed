"""Sounds: reading and saving of files, spectrograms and their inverse, and the rhythm of music. Knows no networks."""
