"""Storage of the booth: SQLite and files in one folder, erased without a trace when their time is over."""

from faceloom.store.database import Database
from faceloom.store.erasing import Attempts, ErasePending
from faceloom.store.models import Download, Person, Visit
from faceloom.store.server_lock import SingleServerLock
from faceloom.store.visit_store import VisitStore

__all__ = ["Attempts", "Database", "Download", "ErasePending", "Person", "SingleServerLock", "Visit", "VisitStore"]
