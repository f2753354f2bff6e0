"""One mail as it was sent, for its sender; the visible outbox, for administrators; figures by template."""

import re

from flask import Blueprint, Response, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.audit import Actor, record
from portal.mailing import outbox, sendings
from portal.mailing.events import EmailRead
from portal.mailing.outbox import SendingRow
from portal.mailing.showing import Shown, for_staff
from portal.microsite.mail_links import MailLinks
from portal.reports import mail_forms, mail_funnel
from portal.staff.roles import Permission
from portal.web import guards, headers, house, identity

bp = Blueprint("outbox", __name__, url_prefix="/staff/outbox")

_ADDRESS = re.compile(r"https?://\S+?/[vupo]/[a-z2-7]+")


@bp.get("/")
@guards.staff(Permission.OUTBOX_READ)
def home() -> ResponseReturnValue:
    """List what waits and what went, without the text."""
    db = house.db()
    rows = outbox.newest(db)
    return render_template(
        "mailing/outbox.html",
        waiting=outbox.waiting(db),
        rows=rows,
        names=mail_forms.names(db, [row.hcp_id for row in rows]),
        at=house.now(),
        server=bool(house.settings().smtp_url),
    )


@bp.get("/mail/<sending_id>")
@guards.staff(Permission.OUTBOX_READ)
def mail(sending_id: str) -> ResponseReturnValue:
    """Show one mail exactly as it was or will be sent; reading it is an event."""
    return _page(_any(sending_id), own=False)


@bp.get("/mail/<sending_id>/html")
@guards.staff(Permission.OUTBOX_READ)
def mail_html(sending_id: str) -> Response:
    """Show the HTML of one mail, inert, for a frame."""
    return _framed(_any(sending_id), own=False)


@bp.get("/mine/<sending_id>")
@guards.staff(Permission.MAIL_SEND)
def one(sending_id: str) -> ResponseReturnValue:
    """Show a sender one of their mails exactly as it was sent; reading it is an event."""
    return _page(_mine(sending_id), own=True)


@bp.get("/mine/<sending_id>/html")
@guards.staff(Permission.MAIL_SEND)
def one_html(sending_id: str) -> Response:
    """Show the HTML of one's mail, inert, for a frame."""
    return _framed(_mine(sending_id), own=True)


@bp.post("/mine/<sending_id>/undo")
@guards.staff(Permission.MAIL_SEND)
def undo(sending_id: str) -> ResponseReturnValue:
    """Take one mail back before it is sent."""
    row = _mine(sending_id)
    links = MailLinks(house.tokens(), house.settings().base_url)
    done = sendings.undo(house.db(), row.id, links=links, by=_me(), at=house.now())
    said = "The mail was taken back; nothing was sent." if done else "It is too late: the mail is on its way."
    flash(said, "good" if done else "warn")
    return redirect(url_for(".one", sending_id=row.id), code=303)


@bp.post("/mine/<sending_id>/again")
@guards.staff(Permission.MAIL_SEND)
def again(sending_id: str) -> ResponseReturnValue:
    """Send an uncertain mail again, under the same Message-ID."""
    return _decide(sending_id, again=True, said="It is sent again, under the same message id.")


@bp.post("/mine/<sending_id>/leave")
@guards.staff(Permission.MAIL_SEND)
def leave(sending_id: str) -> ResponseReturnValue:
    """Count an uncertain mail as accepted."""
    return _decide(sending_id, again=False, said="Counted as accepted.")


@bp.get("/figures")
@guards.staff(Permission.REPORT_READ)
def figures() -> ResponseReturnValue:
    """Show what came of each template over all senders; small groups say nothing."""
    rows = mail_funnel.by_template(house.db())
    return render_template("mailing/figures.html", rows=rows, fewest=mail_funnel.FEWEST)


def _decide(sending_id: str, *, again: bool, said: str) -> ResponseReturnValue:
    row = _mine(sending_id)
    done = sendings.decide(house.db(), row.id, again=again, by=_me(), at=house.now())
    flash(said if done else "This was settled before.", "good" if done else "info")
    return redirect(url_for(".one", sending_id=row.id), code=303)


def _page(row: SendingRow, *, own: bool) -> str:
    sent = _shown(row, own=own)
    record(house.db(), EmailRead(sending=row.id, hcp=row.hcp_id), by=_me(), at=house.now())
    headers.allow_own_frames()
    return render_template(
        "mailing/one.html",
        row=row,
        mail=sent,
        name=mail_forms.names(house.db(), [row.hcp_id]).get(row.hcp_id, "an erased doctor"),
        at=house.now(),
        own=own,
        frame_url=url_for(".one_html" if own else ".mail_html", sending_id=row.id),
        addresses=_addresses(sent),
    )


def _shown(row: SendingRow, *, own: bool) -> Shown | None:
    """Return what staff may read of a mail: its sender never what opens a doctor's page, nor anybody in production."""
    follow = not own and house.settings().shows_mail_to_follow
    return for_staff(row.kind, outbox.as_sent(house.db(), row.id), follow=follow)


def _addresses(sent: Shown | None) -> list[str]:
    if sent is None or sent.is_inert:
        return []
    return list(dict.fromkeys(_ADDRESS.findall(sent.text or "")))


def _framed(row: SendingRow, *, own: bool) -> Response:
    sent = _shown(row, own=own)
    headers.mail_in_a_frame()
    return Response((sent.html if sent else None) or "", mimetype="text/html")


def _any(sending_id: str) -> SendingRow:
    row = outbox.sending(house.db(), sending_id)
    if row is None:
        abort(404)
    return row


def _mine(sending_id: str) -> SendingRow:
    row = _any(sending_id)
    if row.sender_id != identity.person().id:
        abort(404)
    return row


def _me() -> Actor:
    return Actor.staff(identity.person().id)
