"""A second device: name the address the mail went to, enter the code from the mailbox. The same answer whoever asks."""

from datetime import timedelta

from flask import Blueprint, Response, abort, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from portal.access import stepping_up
from portal.access.states import CurrentVisit
from portal.access.stepping_up import CodeReason, StepUpRefused
from portal.mailing.sendings import Terms
from portal.microsite import codes
from portal.web import guards, house, identity, network

bp = Blueprint("stepup", __name__, url_prefix="/me/step-up")

_MINUTES = int(stepping_up.CODE_LIFE / timedelta(minutes=1))
_SAID = {
    CodeReason.NONE: "Ask for a code first.",
    CodeReason.EXPIRED: "This code is no longer valid. Ask for a new one.",
    CodeReason.LOCKED: "That was the last try for this code. Ask for a new one.",
    CodeReason.USED: "This code was used before. Ask for a new one.",
    CodeReason.STAFF: "A member of staff was signed in on this device, so it cannot become a doctor's.",
}


@bp.get("")
@guards.visit
def ask() -> AnyResponse:
    """Ask for the address the mail went to."""
    if _visit().is_known:
        return redirect(url_for("microsite.home"), code=303)
    return _page("door/other_device.html")


@bp.post("")
@guards.visit
def send() -> AnyResponse:
    """Mail a code if the address is the doctor's, and answer alike if not."""
    visit, named = _visit(), request.form.get("address", "").strip()
    if visit.is_known:
        return redirect(url_for("microsite.home"), code=303)
    if "@" not in named or len(named) > 254:
        return _page("door/other_device.html", error="Enter the whole address, such as name@practice.example.")
    house.keep()
    if not stepping_up.may_ask(house.db(), visit, network.address().hash, at=house.now()):
        abort(429)
    asked = stepping_up.ask_code(
        house.db(),
        visit,
        named,
        on_file=codes.addresses_of(house.db(), visit.link_id, visit.hcp_id),
        key=_key(),
        at=house.now(),
    )
    response = redirect(url_for("stepup.enter"), code=303)
    if asked.is_right:
        database, terms, at = house.database(), _terms(), house.now()

        def later() -> None:
            # After the answer: so that its time does not tell whether the address was right.
            with database.writing() as db:
                codes.mail_code(db, visit.hcp_id, visit.site_id, asked.code, minutes=_MINUTES, terms=terms, at=at)

        response.call_on_close(later)
    return response


@bp.get("/code")
@guards.visit
def enter() -> AnyResponse:
    """Ask for the code."""
    if _visit().is_known:
        return redirect(url_for("microsite.home"), code=303)
    return _page("door/code.html", minutes=_MINUTES, tries=stepping_up.TRIES)


@bp.post("/code")
@guards.visit
def prove() -> AnyResponse:
    """Take the code: the right one makes this device the doctor's for this link."""
    visit = _visit()
    if visit.is_known:
        return redirect(url_for("microsite.home"), code=303)
    house.keep()  # a wrong try counts, whatever the answer
    try:
        stepping_up.enter_code(
            house.db(),
            visit,
            request.form.get("code", "")[:32],
            key=_key(),
            address_hash=network.address().hash,
            at=house.now(),
        )
    except StepUpRefused as refused:
        g.reason = f"code-{refused.reason}"
        left = "1 try is left" if refused.left == 1 else f"{refused.left} tries are left"
        said = _SAID.get(refused.reason, f"That is not the code. {left}.")
        return _page("door/code.html", error=said, minutes=_MINUTES, tries=stepping_up.TRIES)
    return redirect(url_for("microsite.home"), code=303)


def _page(template: str, *, error: str = "", **shown: object) -> Response:
    body = render_template(template, error=error, **shown)
    response = Response(body, status=422 if error else 200, mimetype="text/html")
    response.headers["Cache-Control"] = "no-store"
    return response


def _visit() -> CurrentVisit:
    visit = identity.current_visit()
    if visit is None:
        abort(404)
    return visit


def _key() -> str:
    return house.settings().secret_key[-1]


def _terms() -> Terms:
    return Terms(house.settings().mail_from, house.settings().link_days)
