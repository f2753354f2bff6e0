"""Back-tests of rule sets: begun, taken on part by part, finished; each part is kept with where it ended."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from portal.audit import Actor, record
from portal.db import new_id
from portal.personalize.backtest import Tally
from portal.personalize.rules import RuleSet
from portal.rulebook import bodies
from portal.rulebook.events import RuleSetBacktested
from portal.rulebook.models import StoredBacktest, StoredRuleSet
from portal.rulebook.refusals import Refusal, RuleSetRefused
from portal.rulebook.trials import dump_tally, joined, load_tally


@dataclass(frozen=True, slots=True)
class BacktestRow:
    """One back-test as it stands."""

    id: str
    rule_set_id: str
    revision: int
    body: str
    by_id: str
    started_at: datetime
    total: int
    done: int
    last_at: datetime | None
    last_id: str
    tally: str
    finished_at: datetime | None

    @property
    def rules(self) -> RuleSet:
        """Give the rules that are tried."""
        return bodies.parsed(self.body)

    @property
    def found(self) -> Tally:
        """Give what was found so far."""
        return load_tally(self.tally)


_T = StoredBacktest.__table__.c
_COLUMNS = tuple(_T[name] for name in BacktestRow.__dataclass_fields__)


def begin(db: Session, rule_set_id: str, *, total: int, by: Actor, at: datetime) -> str:
    """Begin to try a rule set as it stands on so many pages; return the back-test's id."""
    row = db.get(StoredRuleSet, rule_set_id)
    if row is None:
        raise RuleSetRefused(Refusal.MISSING, "There is no such version.")
    backtest_id = new_id()
    db.execute(
        insert(StoredBacktest).values(
            id=backtest_id,
            rule_set_id=rule_set_id,
            revision=row.revision,
            body=row.body,
            by_id=by.id or "",
            started_at=at,
            total=total,
            done=0,
            last_id="",
            tally="",
            finished_at=None if total else at,
        )
    )
    record(db, RuleSetBacktested(row.id, row.site_id, row.version, bodies.sha256(row.body), total), by=by, at=at)
    return backtest_id


def keep_part(
    db: Session, before: BacktestRow, part: Tally, *, last: tuple[datetime, str] | None, at: datetime
) -> None:
    """Add a part to a back-test, unless somebody else added one since `before`; no `last` page ends it."""
    tally = joined(before.found, part)
    values = {"tally": dump_tally(tally), "done": tally.changes.pages}
    ended = {"finished_at": at} if last is None else {"last_at": last[0], "last_id": last[1]}
    same = (_T.id == before.id, _T.done == before.done, _T.last_id == before.last_id, _T.finished_at.is_(None))
    db.execute(update(StoredBacktest).where(*same).values(**values, **ended))


def backtest_of(db: Session, backtest_id: str) -> BacktestRow | None:
    """Return one back-test, None where there is none."""
    row = db.execute(select(*_COLUMNS).where(_T.id == backtest_id)).first()
    return BacktestRow(*row) if row is not None else None


def newest_backtest(db: Session, rule_set_id: str) -> BacktestRow | None:
    """Return the newest back-test of a version."""
    newest = select(*_COLUMNS).where(_T.rule_set_id == rule_set_id).order_by(_T.started_at.desc(), _T.id).limit(1)
    row = db.execute(newest).first()
    return BacktestRow(*row) if row is not None else None


def unfinished(db: Session) -> list[str]:
    """Return the back-tests that are not finished, by id, oldest first."""
    return list(db.scalars(select(_T.id).where(_T.finished_at.is_(None)).order_by(_T.started_at, _T.id)))
