"""`worker [--once]`: does what waits, again and again."""

import signal
import threading
from datetime import datetime, timedelta

import click
import structlog
from flask import current_app
from flask.cli import with_appcontext

from portal import clock
from portal.audit import Actor
from portal.audit.keeping import seal_all
from portal.config import Settings
from portal.db import Database, rates
from portal.hcp.discussions import purge_discussions
from portal.hcp.import_actions import drop_expired
from portal.mailing.courier import CourierRefused, Route
from portal.mailing.retention import purge_abandoned, purge_waiting
from portal.microsite.post_office import NoServer, hand_over_due
from portal.microsite.trying import take_on_all
from portal.tracking.retention import purge_expired

_TIDY_EVERY = timedelta(hours=1)


@click.command("worker")
@click.option("--once", is_flag=True, help="Do what waits now and end.")
@click.option("--seconds", type=click.FloatRange(0.2, 600), default=2.0, help="Pause between two rounds.")
@with_appcontext
def group(once: bool, seconds: float) -> None:
    """Hand over mail that is due, seal the audit log, take back-tests on; end tidily on SIGTERM and SIGINT."""
    settings: Settings = current_app.extensions["portal.settings"]
    database, tokens = current_app.extensions["portal.database"], current_app.extensions["portal.tokens"]
    log = structlog.get_logger()
    try:
        if settings.smtp_url:
            Route.parse(settings.smtp_url)
    except CourierRefused as refused:
        raise click.ClickException(str(refused)) from None
    stop = threading.Event()
    if not once:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
    tidied: datetime | None = None
    full = True  # the first round looks at every event, for what was committed while no worker ran
    while True:
        try:
            sealed = seal_all(database, settings.instance_path, settings.base_url, clock=clock.now, full=full)
            full = False
            if sealed.fresh:
                log.info("sealed", events=sealed.fresh, size=sealed.size)
        except Exception as failed:
            if once:
                raise
            log.error("sealing failed", kind=type(failed).__name__)  # the next round tries again
        try:
            counts = hand_over_due(database, tokens, settings, clock=clock.now)
            if counts:
                log.info("mail", **{state.replace("-", "_"): count for state, count in counts.items()})
        except NoServer:
            pass  # without a mail server everything stays in the visible outbox
        except Exception as failed:
            if once:
                raise
            log.error("mail failed", kind=type(failed).__name__)  # the next round tries again
        try:
            take_on_all(database, seconds=seconds, clock=clock.now)
        except Exception as failed:
            if once:
                raise
            log.error("back-test failed", kind=type(failed).__name__)  # the next round tries again
        try:
            if tidied is None or clock.now() - tidied >= _TIDY_EVERY:
                tidied = clock.now()
                tidy(database, at=tidied)
        except Exception as failed:
            if once:
                raise
            log.error("tidying failed", kind=type(failed).__name__)  # the next hour tries again
        if once or stop.wait(seconds):
            return


def tidy(database: Database, *, at: datetime) -> None:
    """Delete what is kept no longer: old events, notes of visits, counts, unsent mail, unconfirmed imports."""
    with database.writing() as db:
        purge_expired(db, by=Actor.system("worker"), at=at)
        purge_discussions(db, by=Actor.system("worker"), at=at)
        purge_abandoned(db, by=Actor.system("worker"), at=at)
        purge_waiting(db, by=Actor.system("worker"), at=at)
        rates.forget(db, before=at - timedelta(days=2))
        drop_expired(db, at=at)
