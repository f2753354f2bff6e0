"""The floor of the house: tables' base, column types, sessions."""

from portal.db.base import Base, Json, UtcDateTime
from portal.db.ids import is_id, new_id
from portal.db.session import Database, Session

__all__ = ["Base", "Database", "Json", "Session", "UtcDateTime", "is_id", "new_id"]
