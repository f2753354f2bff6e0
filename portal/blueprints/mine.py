"""What is known about a doctor, what they decide about it, and how it is measured."""

from flask import Blueprint, abort, current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from portal.access.states import CurrentVisit
from portal.audit import Actor
from portal.hcp.actions import declare_interests, record_consent
from portal.hcp.consents import end_of
from portal.microsite import desks, knowledge
from portal.microsite.sheets import Decision
from portal.staff.roles import Permission
from portal.tracking import choices, method
from portal.web import assets, guards, house, identity

bp = Blueprint("mine", __name__)


@bp.get("/m/privacy")
@guards.visit
def privacy() -> str:
    """Show what is known and agreed, and let the doctor change it."""
    visit, decision = _decided()
    shown = _knowledge(decision) if visit.is_known else None
    return render_template(
        "microsite/privacy.html",
        reader=decision.reader,
        visit=visit,
        site=decision.in_force.site,
        topics=decision.in_force.topics,
        shown=shown,
        said=request.args.get("said", ""),
    )


@bp.post("/m/privacy")
@guards.visit
def choose_privacy() -> Response:
    """Record what the doctor decided about measuring and profiling; it holds from the next request on."""
    visit, decision = _own()
    consent = decision.reader.consent
    tracking, profiling = request.form.get("tracking", ""), request.form.get("profiling", "")
    if tracking not in ("identified", "anonymous", "none") or profiling not in ("given", "refused"):
        abort(400)
    held = {"tracking": consent.tracking_decision, "profiling": consent.profiling_decision}
    days, at = decision.in_force.site.consent_days, house.now()
    for purpose, wanted in (("tracking", tracking), ("profiling", profiling)):
        before, ends_at = held[purpose], end_of(days, purpose, wanted, at)
        if before is None or before.decision != wanted or before.ends_at != ends_at:  # saying yes again renews it
            record_consent(
                house.db(),
                visit.hcp_id,
                visit.site_id,
                purpose,
                wanted,
                "privacy page",
                f"{purpose}: {wanted}",
                ends_at=ends_at,
                by=Actor.hcp(visit.hcp_id),
                at=at,
            )
    response = redirect(url_for("mine.privacy", said="saved"), code=303)
    if tracking != "identified":
        response.headers["Clear-Site-Data"] = '"storage"'  # what the browser still kept of unsent beats
    return response


@bp.post("/m/interests")
@guards.visit
def choose_interests() -> Response:
    """Set the topics the doctor cares about to exactly those ticked."""
    visit, decision = _own()
    ticked = set(request.form.getlist("topic"))
    if not ticked <= {key for key, _ in decision.in_force.topics}:
        abort(400)
    declare_interests(
        house.db(), visit.hcp_id, visit.site_id, topics=ticked, by=Actor.hcp(visit.hcp_id), at=house.now()
    )
    return redirect(url_for("mine.privacy", said="interests", _anchor="interests"), code=303)


@bp.post("/m/forget")
@guards.visit
def forget() -> Response:
    """Part the doctor from everything they did on this site."""
    visit, _decision = _own()
    by = Actor.hcp(visit.hcp_id)
    choices.forget_history(house.db(), visit.hcp_id, visit.site_id, by=by, at=house.now())
    return redirect(url_for("mine.privacy", said="forgotten"), code=303)


@bp.get("/m/measuring")
@guards.visit
def measuring() -> str:
    """Say how reading is measured, for the doctor it is about."""
    return render_template("microsite/measuring.html", **_measured())


@bp.get("/staff/measuring")
@guards.staff(Permission.HOME)
def measuring_for_staff() -> str:
    """Say how reading is measured, for those who read the numbers."""
    return render_template("microsite/measuring_staff.html", **_measured())


def _knowledge(decision: Decision) -> knowledge.Knowledge:
    return knowledge.of(house.reading(), decision, at=house.now())


def _measured() -> dict[str, object]:
    settings = house.settings()
    rules = method.rules(grace_s=settings.grace_seconds, idle_s=settings.idle_seconds)
    return {"rules": rules, "limits": method.LIMITS, "events": method.registry()}


def _own() -> tuple[CurrentVisit, Decision]:
    """Return visit and decision where this device is the doctor's; nobody else decides anything for them."""
    visit, decision = _decided()
    if not visit.is_known:
        abort(403)
    return visit, decision


def _decided() -> tuple[CurrentVisit, Decision]:
    visit = identity.current_visit()
    desk = desks.desk_in(current_app.extensions, house.settings(), assets.static_url)
    found = desks.decided(house.reading(), desk, visit, at=house.now()) if visit is not None else None
    if visit is None or found is None:
        abort(404)
    return visit, found[0]
