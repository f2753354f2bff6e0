"""Rate limits counted in the database, so that every worker counts together."""

import hashlib
from datetime import UTC, datetime, timedelta

from sqlalchemy import String, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from portal.db.base import Base

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class RateCount(Base):
    """How often one key was tried within one window; the key is stored as a hash."""

    __tablename__ = "rate_counts"

    key_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    window_start: Mapped[datetime] = mapped_column(primary_key=True, index=True)
    count: Mapped[int]


def allow(db: Session, key: str, *, limit: int, window: timedelta, at: datetime) -> bool:
    """Count one try of `key` and tell whether it is within `limit` tries per `window`.

    The window slides: the window before counts for the part of it that is still within reach. The count must be
    committed even where the request is refused (`house.keep()`). `key` should hold no personal value in plain.
    """
    key_hash = _hash(key, window)
    start = at - (at - _EPOCH) % window
    counted = _count(db, key_hash, start)
    before = db.scalar(
        select(RateCount.count).where(RateCount.key_hash == key_hash, RateCount.window_start == start - window)
    )
    reach = 1 - (at - start) / window
    return counted + (before or 0) * reach <= limit


def pardon(db: Session, key: str, *, window: timedelta) -> None:
    """Forget the tries of `key` within `window`, such as after the right password."""
    db.execute(delete(RateCount).where(RateCount.key_hash == _hash(key, window)))


def forget(db: Session, *, before: datetime) -> None:
    """Delete the counts of windows that began before `before`."""
    db.execute(delete(RateCount).where(RateCount.window_start < before))


def _hash(key: str, window: timedelta) -> str:
    return hashlib.sha256(f"{window.total_seconds():.0f} {key}".encode()).hexdigest()


def _count(db: Session, key_hash: str, start: datetime) -> int:
    # One statement, so that two workers never both see the last free place.
    first = {"key_hash": key_hash, "window_start": start, "count": 1}
    place = [RateCount.key_hash, RateCount.window_start]
    once_more = {"count": RateCount.count + 1}
    if db.get_bind().dialect.name == "sqlite":
        lite = sqlite.insert(RateCount).values(first).on_conflict_do_update(index_elements=place, set_=once_more)
        return db.execute(lite.returning(RateCount.count)).scalar_one()
    post = postgresql.insert(RateCount).values(first).on_conflict_do_update(index_elements=place, set_=once_more)
    return db.execute(post.returning(RateCount.count)).scalar_one()
