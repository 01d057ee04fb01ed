"""What a face shows: age, smile, pose, and whose it is. Knows the analyzer and aligned faces, not files or photos."""

from faceloom.analyze.traits import Traits, read, read_traits, similarity

__all__ = ["Traits", "read", "read_traits", "similarity"]
