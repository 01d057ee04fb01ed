"""Reading of faces: age, smile, pose and identity. Works on aligned faces, not on files or photos."""
