"""The sections of the staff pages, by permission; only those that exist."""

from typing import Any

from flask import Flask, current_app, g, request, url_for

from portal.staff.roles import Permission, Person, Role, may

_SECTIONS = (
    ("Doctors", "rep.home", Permission.HCP_READ),
    ("Email", "send.home", Permission.MAIL_SEND),
    ("Link presets", "presets.home", Permission.PRESET_READ),
    ("Content", "studio.home", Permission.CONTENT_READ),
    ("Email pieces", "mail_pieces.home", Permission.CONTENT_READ),
    ("Email figures", "outbox.figures", Permission.REPORT_READ),
    ("Outbox", "outbox.home", Permission.OUTBOX_READ),
    ("Rules", "rules.home", Permission.RULES_READ),
    ("Insights", "insights.home", Permission.RULES_READ),
    ("Audit log", "compliance.home", Permission.AUDIT_READ),
    ("Import doctors", "hcps.upload", Permission.HCP_IMPORT),
    ("Users", "staff.users", Permission.USERS_MANAGE),
)

_ACCOUNTS = frozenset(
    f"staff.{view}"
    for view in (
        "users",
        "user",
        "new_user",
        "create_user",
        "disable",
        "enable",
        "change_roles",
        "reset_password",
    )
)

_HOMES = {
    Role.REP: "rep.home",
    Role.MANAGER: "rep.home",
    Role.MARKETER: "rules.home",
    Role.REVIEWER: "rules.home",
    Role.COMPLIANCE: "compliance.home",
    Role.ADMIN: "staff.users",
}

_BESIDE = {
    "discussed": "rep",
    "links": "rep",
    "rule_drafts": "rules",
    "rule_trials": "rules",
    "mail_writing": "mail_pieces",
    "formulas": "studio",
    "calculators": "studio",
    "modules": "studio",
}  # blueprints whose pages stand in another's section

# One mail as sent is shown to its sender and to administrators.
_OF_OUTBOX = {"outbox.home": "outbox.home", "outbox.mail": "outbox.home", "outbox.figures": "outbox.figures"}


def install(app: Flask) -> None:
    """Give every staff page its frame: sections, name, where to sign out."""
    app.jinja_env.globals["nav_for"] = nav_for
    app.context_processor(_frame)


def nav_for(person: Person) -> list[tuple[str, str, bool]]:
    """Return (label, url, whether the current page is within it) for what `person` may open."""
    return [
        (label, url_for(endpoint), _is_within(endpoint))
        for label, endpoint, permission in _SECTIONS
        if endpoint in current_app.view_functions and may(person, permission)
    ]


def home_of(person: Person) -> str | None:
    """Return the address of the page a person starts on, None where none of theirs exists."""
    for role, endpoint in _HOMES.items():
        if role in person.roles and endpoint in current_app.view_functions:
            return url_for(endpoint)
    return None


def _is_within(endpoint: str) -> bool:
    current = request.endpoint or ""
    if current.startswith("outbox."):
        return _OF_OUTBOX.get(current, "send.home") == endpoint
    if endpoint == "staff.users":
        return current in _ACCOUNTS
    if current in ("hcps.consents", "hcps.note_consents"):
        return endpoint == "rep.home"
    blueprint = current.split(".")[0]
    return _BESIDE.get(blueprint, blueprint) == endpoint.split(".")[0]


def _frame() -> dict[str, Any]:
    person: Person | None = g.get("person")
    if person is None:
        return {}
    return {
        "nav": nav_for(person),
        "person": person.in_words,
        "home_url": url_for("staff.home"),
        "account_url": url_for("staff.sessions"),
        "sign_out_url": url_for("staff.sign_out"),
    }
