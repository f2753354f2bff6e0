"""The revision of a site: it rises with every change to what the site may serve."""

from sqlalchemy import update
from sqlalchemy.orm import Session

from portal.content.models import Site


def raise_revision(db: Session, site_id: str) -> None:
    """Raise a site's revision in the transaction of a change, so that no process goes on serving what it remembers."""
    table = Site.__table__
    changed = update(Site).where(table.c.id == site_id).values(revision=table.c.revision + 1)
    db.execute(changed.execution_options(synchronize_session=False))
