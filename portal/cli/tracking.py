"""`tracking show|drops|purge`: what was measured, as stored."""

import json
from datetime import UTC, datetime
from typing import Any, NoReturn

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy.orm import Session

from portal import clock
from portal.access.queries import visits_by_id
from portal.audit import Actor
from portal.hcp.queries import hcp_by_ref
from portal.tracking import queries
from portal.tracking.records import ViewRow, united_ms
from portal.tracking.retention import purge_expired

group = AppGroup("tracking", help="Page views, dwell and calculator uses.")


@group.command("show")
@click.option("--hcp", "ref", required=True, help="Reference of the doctor, such as H-1021.")
@click.option("--since", default="", help="ISO 8601 moment or day; UTC where it names no zone.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(ref: str, since: str, as_json: bool) -> None:
    """Print a doctor's page views with section dwell in ms, calculator uses, confidence and grade."""
    start = _moment(since) if since else None
    with current_app.extensions["portal.database"].reading() as db:
        card = hcp_by_ref(db, ref)
        if card is None:
            _refuse(f"There is no doctor with the reference {ref}.")
        shown = _shown(db, card.id, start)
    if as_json:
        click.echo(json.dumps({"hcp": ref, **shown}, indent=1))
    else:
        _print(ref, shown)


@group.command("drops")
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="YYYY-MM-DD, UTC; every day where not given.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def drops(day: datetime | None, as_json: bool) -> None:
    """Print how many beats, or parts of them, were dropped, by reason."""
    on = day.date().isoformat() if day else None
    with current_app.extensions["portal.database"].reading() as db:
        counted = queries.drops(db, on)
    if as_json:
        click.echo(json.dumps({"day": on, "drops": counted}, indent=1))
    else:
        click.echo("\n".join(f"{reason:20} {count}" for reason, count in counted.items()) or "Nothing was dropped.")


@group.command("purge")
def purge() -> None:
    """Delete events that are older than the retention of their type."""
    with current_app.extensions["portal.database"].writing() as db:
        purged = purge_expired(db, by=Actor.system("cli"), at=clock.now())
    click.echo(f"{purged} events purged.")


def _shown(db: Session, hcp_id: str, since: datetime | None) -> dict[str, Any]:
    views = queries.views_of(db, hcp_id, since)
    visits = visits_by_id(db, {view.visit_id for view in views if view.visit_id})
    return {
        "engaged_ms": united_ms(views),
        "page_views": [_view(view, visits) for view in views],
        "calculators": [
            {
                "view": use.view_id,
                "calculator": use.calculator,
                "version": use.version,
                "opened_at": use.opened_at.isoformat(),
                "completed_at": use.completed_at.isoformat() if use.completed_at else None,
                "band": use.band or None,
            }
            for use in queries.calculators_of(db, hcp_id, since)
        ],
        "events": [
            {
                "view": event.view_id,
                "type": event.type,
                "subject": event.subject,
                "value": event.value or None,
                "version": event.version or None,
                "at": event.at.isoformat(),
            }
            for event in queries.interactions_of(db, hcp_id, since)
        ],
    }


def _view(view: ViewRow, visits: dict[str, tuple[str, int]]) -> dict[str, Any]:
    confidence, grade = visits.get(view.visit_id or "", (None, None))
    return {
        "id": view.id,
        "page": view.page,
        "site": view.site_id,
        "visit": view.visit_id,
        "opened_at": view.opened_at.isoformat(),
        "dwell_ms": view.dwell_ms,
        "bracket_ms": [view.bracket.proven, view.bracket.visible] if view.bracket else None,
        "undecided_ms": view.undecided_ms,
        "blur_ms": view.blur_ms,
        "idle_ms": view.idle_ms,
        "asleep_ms": view.gap_ms,
        "video_ms": view.video_ms,
        "depth_percent": view.depth,
        "confirmed": view.confirmed,
        "confidence": confidence,
        "grade": grade,
        "sent": view.sent,
        "received": view.received,
        "sections": [
            {
                "section": section.section,
                "module": section.module_key,
                "version": section.module_version,
                "dwell_ms": section.attention_ms,
                "seen_ms": section.seen_ms,
                "first": section.first or None,
                "readings": section.times,
                "passed_by": section.passed,
            }
            for section in view.sections
        ],
    }


def _print(ref: str, shown: dict[str, Any]) -> None:
    click.echo(f"{ref}: {shown['engaged_ms'] / 1000:.1f} s engaged on {len(shown['page_views'])} pages")
    for view in shown["page_views"]:
        dwell = "unknown" if view["dwell_ms"] is None else f"{view['dwell_ms']} ms"
        sure = f"grade {view['grade']}, {view['confidence']}" if view["confidence"] else "visit unknown"
        click.echo(f"{view['opened_at']}  {view['page']:30} {dwell:>12}  {sure}")
        for section in view["sections"]:
            click.echo(f"    {section['section']:50} {section['dwell_ms']:>8} ms")
    for use in shown["calculators"]:
        done = f"completed, {use['band'] or 'band not kept'}" if use["completed_at"] else "opened"
        click.echo(f"{use['opened_at']}  {use['calculator']:30} {done}")


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no ISO 8601 moment.", param_hint="--since") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _refuse(why: str) -> NoReturn:
    click.echo(why, err=True)
    raise SystemExit(1)
