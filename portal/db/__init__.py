"""The floor of the house: tables' base, column types, sessions."""

from portal.db.base import Base, Json, UtcDateTime
from portal.db.ids import is_id, new_id
from portal.db.session import Database

__all__ = ["Base", "Database", "Json", "UtcDateTime", "is_id", "new_id"]
