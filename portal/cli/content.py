"""`content import-label|create-site|list`: take in label files and see what a site has."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy.orm import Session

from portal import clock
from portal.audit import Actor
from portal.content.actions import ContentRefused, create_site
from portal.content.history import shelf
from portal.content.import_label import ImportReport, import_label
from portal.content.labels import LARGEST_BYTES, LabelRefused
from portal.content.queries import SiteRecord, site_by_key, sites

group = AppGroup("content", help="Labels, modules and mandatory blocks.")

_CLI = Actor.system("cli")


@group.command("import-label")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--site", "site_key", required=True, help="Key of the site, such as atorvastatin-us-en.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def import_label_file(file: Path, site_key: str, as_json: bool) -> None:
    """Draft a site's modules and mandatory blocks from the label (SPL XML) in FILE."""
    try:
        # One byte more than is taken, so that a huge file is refused without being read.
        with file.open("rb") as stream:
            xml = stream.read(LARGEST_BYTES + 1)
        with current_app.extensions["portal.database"].writing() as db:
            report = import_label(db, _site(db, site_key).id, xml, by=_CLI, at=clock.now())
    except (LabelRefused, ContentRefused) as refused:
        _refuse(str(refused), as_json)
    except OSError as fault:
        _refuse(f"{file} cannot be read: {fault.strerror}.", as_json)
    click.echo(json.dumps(asdict(report)) if as_json else _in_words(report, site_key))


@group.command("create-site")
@click.argument("key")
@click.option("--brand", required=True)
@click.option("--generic", required=True, help="Generic name, printed beside the brand.")
@click.option("--market", required=True, help="Country code, such as US.")
@click.option("--language", required=True, help="Language code, such as en.")
@click.option("--json", "as_json", is_flag=True)
def create(key: str, brand: str, generic: str, market: str, language: str, as_json: bool) -> None:
    """Make the site KEY, without content."""
    try:
        with current_app.extensions["portal.database"].writing() as db:
            site_id = create_site(
                db,
                key,
                brand=brand,
                generic=generic,
                market=market,
                language=language,
                by=_CLI,
                at=clock.now(),
            )
    except ContentRefused as refused:
        _refuse(str(refused), as_json)
    click.echo(json.dumps({"id": site_id, "key": key}) if as_json else f"Made the site {key}.")


@group.command("list")
@click.option("--site", "site_key", required=True)
@click.option("--json", "as_json", is_flag=True)
def list_versions(site_key: str, as_json: bool) -> None:
    """List every version of a site's modules and blocks, with where it stands now."""
    try:
        with current_app.extensions["portal.database"].reading() as db:
            rows = shelf(db, _site(db, site_key).id, clock.now())
    except ContentRefused as refused:
        _refuse(str(refused), as_json)
    shown: list[dict[str, Any]] = [
        {
            "subject": row.subject,
            "key": row.key,
            "number": row.number,
            "standing": row.standing.value,
            "version": row.version_id,
            "approval_code": row.approval_code,
        }
        for row in rows
    ]
    if as_json:
        click.echo(json.dumps(shown))
        return
    for entry in shown:
        click.echo("{subject:7} {key:24} {number:3}  {standing}".format_map(entry))


def _site(db: Session, key: str) -> SiteRecord:
    site = site_by_key(db, key)
    if site is None:
        known = ", ".join(record.key for record in sites(db)) or "none yet; see content create-site"
        raise ContentRefused(f"There is no site {key}. Sites: {known}.")
    return site


def _refuse(sentence: str, as_json: bool) -> NoReturn:
    click.echo(json.dumps({"error": sentence}) if as_json else sentence, err=not as_json)
    raise SystemExit(1)


def _in_words(report: ImportReport, site_key: str) -> str:
    lines = [
        f"Imported version {report.version} of label {report.set_id} into {site_key}: "
        f"{report.sections} sections, {len(report.drafts)} drafts.",
        *(f"  draft      {draft.subject} {draft.key}" for draft in report.drafts),
        *(f"  outdated   {key} quotes an older version of this label" for key in report.outdated),
        *(f"  gone       {key} has no section in this version" for key in report.gone),
        *(f"  missing    {sentence}" for sentence in report.missing),
        *(f"  confirm    {sentence}" for sentence in report.to_confirm),
        "Nothing is served before it is submitted and approved by a second person.",
    ]
    return "\n".join(lines)
