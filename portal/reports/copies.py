"""A copy of the audit log to take away: CSV, JSON lines, or both in an archive with a manifest and checksums."""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from portal.audit.canonical import VERSION, instant
from portal.audit.queries import EventRow
from portal.reports.deeds import in_words
from portal.reports.sheets import csv_text
from portal.reports.timeline import Moment

MOST_ROWS = 50_000
HEADER = ("seq", "id", "at_utc", "at_local", "action", "in_words", "actor_kind", "actor_id", "hcp_id", "body")


class Format(StrEnum):
    """What a copy can be."""

    CSV = "csv"
    JSON_LINES = "jsonl"
    ARCHIVE = "zip"


MEDIA_TYPES = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.JSON_LINES: "application/x-ndjson; charset=utf-8",
    Format.ARCHIVE: "application/zip",
}


@dataclass(frozen=True, slots=True)
class Copy:
    """The bytes of a copy, their SHA-256 (hex) and how many events they hold."""

    content: bytes
    sha256: str
    rows: int
    filename: str


def copy_of(rows: Sequence[EventRow], *, form: Format, query: str, zone: ZoneInfo, at: datetime) -> Copy:
    """Return a copy of events made at `at`; local times are those of `zone`. Personal values are never in it."""
    if form is Format.CSV:
        content = as_csv(rows, zone)
    elif form is Format.JSON_LINES:
        content = as_json_lines(rows)
    else:
        content = _archive(rows, query, zone, at)
    stamp = at.strftime("%Y%m%dT%H%M%SZ")
    return Copy(content, hashlib.sha256(content).hexdigest(), len(rows), f"audit-{stamp}-{len(rows)}-events.{form}")


def as_csv(rows: Iterable[EventRow], zone: ZoneInfo) -> bytes:
    """Return one line per event with `HEADER` on top, safe to open in a spreadsheet."""
    lines = (
        (
            row.seq,
            row.id,
            instant(row.at),
            row.at.astimezone(zone).isoformat(timespec="seconds"),
            row.name,
            in_words(row.name, row.about),
            row.actor_kind,
            row.actor_id,
            row.hcp_id,
            row.body,
        )
        for row in rows
    )
    return csv_text(HEADER, lines).encode()


def as_json_lines(rows: Iterable[EventRow]) -> bytes:
    """Return one JSON object per line: the number, and the event exactly as it is stored and sealed."""
    return "".join(f'{{"seq":{row.seq},"event":{row.body}}}\n' for row in rows).encode()


def _archive(rows: Sequence[EventRow], query: str, zone: ZoneInfo, at: datetime) -> bytes:
    files = {"events.csv": as_csv(rows, zone), "events.jsonl": as_json_lines(rows)}
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    manifest = {
        "made_at": instant(at),
        "query": query,
        "rows": len(rows),
        "newest_seq": rows[0].seq if rows else None,
        "oldest_seq": rows[-1].seq if rows else None,
        "zone_of_local_times": zone.key,
        "event_format_version": VERSION,
        "personal_values": "not included: the events carry salted SHA-256 commitments",
        "sha256": sums,
    }
    files["manifest.json"] = (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode()
    sums["manifest.json"] = hashlib.sha256(files["manifest.json"]).hexdigest()
    files["SHA256SUMS"] = "".join(f"{each}  {name}\n" for name, each in sums.items()).encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, at.timetuple()[:6]), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


ACTIVITY_HEADER = ("at_utc", "kind", "what", "note", "counts_as", "dwell_ms", "proven_ms", "visible_ms", "sections")


def activity_csv(told: Iterable[Moment]) -> bytes:
    """Return a doctor's timeline as CSV, newest first; an unknown dwell is an empty cell, never 0."""
    return csv_text(
        ACTIVITY_HEADER,
        (
            (
                instant(moment.at),
                str(moment.kind),
                moment.title,
                moment.note,
                moment.tag,
                moment.dwell_ms,
                moment.proven_ms,
                moment.visible_ms,
                "; ".join(f"{label}: {ms} ms" for label, ms in moment.parts),
            )
            for moment in told
        ),
    ).encode()
