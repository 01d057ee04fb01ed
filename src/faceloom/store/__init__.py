"""What the booth keeps: SQLite and files in one folder, for as long as it was said, and then no trace of it."""

from faceloom.store.database import Database
from faceloom.store.keep import Keep, Person, Take, Visit

__all__ = ["Database", "Keep", "Person", "Take", "Visit"]
