"""Joins mailing, links and the mail server for one run; the worker and the command line call it."""

from collections.abc import Callable
from datetime import datetime

from portal.access.tokens import TokenBox
from portal.config import Settings
from portal.db import Database
from portal.mailing.courier import Courier, Route
from portal.mailing.handover import Handover
from portal.microsite.mail_links import MailLinks


class NoServer(Exception):
    """No mail server is set; mail waits in the visible outbox."""


def hand_over_due(
    database: Database,
    tokens: TokenBox,
    settings: Settings,
    *,
    clock: Callable[[], datetime],
    most: int = 200,
    on_step: Callable[[str], None] = lambda _: None,
) -> dict[str, int]:
    """Hand over what is due and return how many mails ended in which state; raises NoServer and CourierRefused."""
    if not settings.smtp_url:
        raise NoServer("No mail server is set (PORTAL_SMTP_URL): mail waits in the outbox, where it can be read.")
    courier = Courier(Route.parse(settings.smtp_url), on_step=on_step)
    links = MailLinks(tokens, settings.base_url)
    handover = Handover(database, courier, links, mail_from=settings.mail_from, clock=clock, on_step=on_step)
    return handover.run(most=most).counts
