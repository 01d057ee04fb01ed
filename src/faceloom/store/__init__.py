"""What the booth keeps: SQLite and files in one folder, for as long as it was said, and then no trace of it."""

from faceloom.store.database import Database
from faceloom.store.visit_store import Person, Take, Visit, VisitStore

__all__ = ["Database", "Person", "Take", "Visit", "VisitStore"]
