"""What a face shows: age, smile, pose, and whose it is. Knows the analyzer and aligned faces, not files or photos."""

from faceloom.analyze.reading import Attributes, read, read_attributes, similarity

__all__ = ["Attributes", "read", "read_attributes", "similarity"]
