"""Every road of the portal and who may take it, written down a second time, apart from the code that enforces it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from flask import Flask
from werkzeug.routing import Rule

from tests.attacks.world import NOBODY, STAFF, World

EVERYBODY = "everybody"
VISIT = "visit"
HOME = " ".join(STAFF)
DOCTORS = "rep manager"  # the representative who looks after the doctor, and managers; `other rep` finds nothing
OWN = "rep"  # what belongs to one representative: another finds nothing
SENDERS = "rep, other rep"
READERS = "marketer reviewer compliance"

ROADS = {
    "beacon.take": EVERYBODY,
    "status.healthz": EVERYBODY,
    "status.readyz": EVERYBODY,
    "status.robots": EVERYBODY,
    "door.front": EVERYBODY,
    "door.knock": EVERYBODY,
    "door.enter": EVERYBODY,
    "door.trap": EVERYBODY,
    "door.lost": EVERYBODY,
    "mail.reports": EVERYBODY,
    "mail.opt_in": EVERYBODY,
    "mail.answer": EVERYBODY,
    "mail.preferences": EVERYBODY,
    "mail.prefer": EVERYBODY,
    "mail.leave": EVERYBODY,
    "mail.one_click": EVERYBODY,
    "mail.stop": EVERYBODY,
    "mail.fresh": EVERYBODY,
    "staff.sign_in": EVERYBODY,
    "staff.enter": EVERYBODY,
    "microsite.home": VISIT,
    "microsite.module": VISIT,
    "microsite.leaflet": VISIT,
    "microsite.calculators": VISIT,
    "microsite.choose": VISIT,
    "microsite.information": VISIT,
    "microsite.leave": VISIT,
    "microsite.order": VISIT,
    "microsite.saved": VISIT,
    "microsite.find": VISIT,
    "microsite.explained": VISIT,
    "mine.forget": VISIT,
    "mine.choose_interests": VISIT,
    "mine.measuring": VISIT,
    "mine.privacy": VISIT,
    "mine.choose_privacy": VISIT,
    "stepup.ask": VISIT,
    "stepup.send": VISIT,
    "stepup.enter": VISIT,
    "stepup.prove": VISIT,
    "staff.home": HOME,
    "staff.sessions": HOME,
    "staff.end_session": HOME,
    "staff.sign_out": HOME,
    "staff.change_password": HOME,
    "mine.measuring_for_staff": HOME,
    "rep.home": "rep, other rep, manager",
    "rep.doctor": DOCTORS,
    "rep.before_visit": DOCTORS,
    "rep.activity_csv": DOCTORS,
    "hcps.consents": DOCTORS,
    "discussed.form": OWN,
    "discussed.note": OWN,
    "discussed.take_back": OWN,
    "hcps.note_consents": DOCTORS,
    "links.link": DOCTORS,
    "links.revoke": DOCTORS,
    "links.link_form": OWN,
    "links.issue": OWN,
    "presets.home": "rep, other rep, manager, marketer",
    "presets.one": "rep, other rep, manager, marketer",
    "presets.new": "manager marketer",
    "presets.create": "manager marketer",
    "presets.change": "manager marketer",
    "presets.retire": "manager marketer",
    "rep.territories": "rep, other rep, manager, marketer",
    "send.home": SENDERS,
    "send.new": SENDERS,
    "send.begin": SENDERS,
    "send.ask": OWN,
    "send.compose": OWN,
    "send.act": OWN,
    "send.preview": OWN,
    "send.revoke": OWN,
    "send.sent": OWN,
    "send.undo_all": OWN,
    "outbox.one": OWN,
    "outbox.one_html": OWN,
    "outbox.again": OWN,
    "outbox.leave": OWN,
    "outbox.undo": OWN,
    "outbox.home": "admin",
    "outbox.mail": "admin",
    "outbox.mail_html": "admin",
    "outbox.figures": "rep, other rep, manager, marketer",
    "hcps.upload": "admin",
    "hcps.check": "admin",
    "hcps.checked": "admin",
    "hcps.confirm": "admin",
    "hcps.discard": "admin",
    "staff.users": "admin",
    "staff.user": "admin",
    "staff.disable": "admin",
    "staff.enable": "admin",
    "staff.reset_password": "admin",
    "staff.change_roles": "admin",
    "staff.new_user": "admin",
    "staff.create_user": "admin",
    "studio.home": READERS,
    "studio.queue": READERS,
    "studio.version": READERS,
    "studio.preview": READERS,
    "studio.edit": "marketer",
    "studio.save": "marketer",
    "studio.next_version": "marketer",
    "studio.submit": "marketer",
    "studio.review": "reviewer",
    "studio.withdraw": READERS,
    "studio.withdraw_now": READERS,
    "preview.frame": "marketer reviewer",
    "preview.page": "marketer reviewer",
    "rules.home": READERS,
    "rules.history": READERS,
    "rules.version": READERS,
    "rules.kill": READERS,
    "rules.kill_now": READERS,
    "rules.go_live": "marketer reviewer",
    "rules.schedule": "marketer reviewer",
    "rules.unschedule": "marketer reviewer",
    "rules.revert": "reviewer",
    "rules.review": "reviewer",
    "rules.propose": "marketer",
    "rule_drafts.begin": "marketer",
    "rule_drafts.draft": "marketer",
    "rule_drafts.discard": "marketer",
    "rule_drafts.rule": "marketer",
    "rule_drafts.save_rule": "marketer",
    "rule_drafts.move": "marketer",
    "rule_drafts.remove": "marketer",
    "rule_drafts.new_rule": "marketer",
    "rule_drafts.add_rule": "marketer",
    "rule_drafts.settings": "marketer",
    "rule_drafts.save_settings": "marketer",
    "rule_drafts.submit": "marketer",
    "rule_trials.doctor": READERS,
    "rule_trials.matrix": READERS,
    "rule_trials.history": READERS,
    "rule_trials.begin": "marketer",
    "rule_trials.go_on": "marketer",
    "insights.home": READERS,
    "insights.modules": READERS,
    "insights.matches": READERS,
    "insights.saved": READERS,
    "insights.new": "marketer",
    "insights.one": READERS,
    "insights.rename": "marketer",
    "insights.delete": "marketer",
    "formulas.show": READERS,
    "formulas.check": "marketer",
    "formulas.save": "marketer",
    "formulas.add": "marketer",
    "calculators.new": "marketer",
    "calculators.begin": "marketer",
    "modules.new": "marketer",
    "modules.begin": "marketer",
    "mail_pieces.home": READERS,
    "mail_pieces.version": READERS,
    "mail_pieces.html": READERS,
    "mail_writing.new": "marketer",
    "mail_writing.create": "marketer",
    "mail_writing.edit_form": "marketer",
    "mail_writing.edit": "marketer",
    "mail_writing.preview": "marketer",
    "mail_pieces.submit": "marketer",
    "mail_pieces.review": "reviewer",
    "mail_pieces.withdraw": READERS,
    "compliance.proof": "compliance",
    "compliance.verifier_file": "compliance",
    "compliance.verify": "compliance",
    "compliance.mail": "compliance",
    "compliance.home": "compliance",
    "compliance.doctor": "compliance",
    "compliance.event": "compliance",
    "compliance.page": "compliance",
    "compliance.raw": "compliance",
    "compliance.export": "compliance",
}

# What fills an address: a key of the world's ids, by endpoint and argument first, else by argument.
FILLED = {
    "hcp_id": "own hcp",
    "link_id": "doctor's link",
    "mailing_id": "doctor's composed mailing",
    "send.sent mailing_id": "doctor's sent mailing",
    "sending_id": "doctor's sending",
    "kept_id": "kept file",
    "preset_id": "preset",
    "session_id": "session",
    "user_id": "user",
    "event_id": "event",
    "arrangement_id": "doctor's page",
    "version_id": "content version",
    "formulas version_id": "calculator version",
    "mail_pieces version_id": "mail version",
    "mail_writing version_id": "mail version",
    "rule_set_id": "rule set",
    "rule_id": "rule",
    "rule_drafts rule_set_id": "draft",
    "token": "doctor's token",
    "door.trap token": "spare token",  # whoever touches it is taken for a machine from then on
    "mail.leave token": "doctor's unsubscribe token",
    "mail.one_click token": "doctor's unsubscribe token",
    "mail.stop token": "doctor's unsubscribe token",
    "mail.preferences token": "doctor's preferences token",
    "mail.prefer token": "doctor's preferences token",
    "mail.opt_in token": "doctor's opt-in token",
    "mail.answer token": "doctor's opt-in token",
}
# The demo has none of these, so who may take the road finds nothing.
ABSENT = frozenset({"segment_id", "backtest_id", "discussion_id"})
WORDS = dict.fromkeys(ABSENT, NOBODY) | {
    "site_key": "atorvastatin-us-en",
    "key": "warnings",
    "microsite.information key": "indication",
}

# The least that a form needs so that the road beyond it is open.
BODIES = {"rule_drafts.begin": {"site": "atorvastatin-us-en"}}

# These end a session, a visit or a thing, so they are tried last.
ENDERS = ("rule_drafts.discard", "hcps.confirm", "hcps.discard", "mine.forget", "microsite.leave", "staff.sign_out")


@dataclass(frozen=True)
class Road:
    """One rule and one method of it."""

    rule: Rule
    method: str

    @property
    def endpoint(self) -> str:
        """The view behind the road."""
        return str(self.rule.endpoint)

    @property
    def names(self) -> tuple[str, ...]:
        """The arguments of the address, in order."""
        return tuple(re.findall(r"<(?:\w+:)?(\w+)>", self.rule.rule))

    def path(self, values: dict[str, str]) -> str:
        """The address with its arguments filled."""
        return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: values[found[1]], self.rule.rule)


def roads(app: Flask, *methods: str) -> Iterator[Road]:
    """Every road of `app` that answers one of `methods`; those that end something come last."""
    rules = sorted(app.url_map.iter_rules(), key=lambda rule: (_turn(str(rule.endpoint)), rule.rule))
    for method in methods:
        yield from (Road(rule, method) for rule in rules if method in (rule.methods or ()))


def values_for(world: World, road: Road) -> dict[str, str]:
    """What fills the address of a road; a new argument needs a line in `FILLED`."""
    return {name: _value(world, road.endpoint, name) for name in road.names}


def body_for(world: World, road: Road) -> dict[str, str]:
    """The least that a form needs so that the road beyond it is open."""
    return {"site": world.ids["site"]} if road.endpoint == "send.ask" else BODIES.get(road.endpoint, {})


def takers(endpoint: str) -> frozenset[str]:
    """Who may take the road to `endpoint`, as written down above."""
    said = ROADS[endpoint]
    if said in (HOME, EVERYBODY, VISIT):
        return frozenset(STAFF) if said == HOME else frozenset()
    return frozenset(said.split(", ") if "," in said else said.split(" "))


def _value(world: World, endpoint: str, name: str) -> str:
    for key in (f"{endpoint} {name}", f"{endpoint.split('.')[0]} {name}", name):
        if key in WORDS:
            return WORDS[key]
        if key in FILLED:
            return world.ids[FILLED[key]]
    raise AssertionError(f"say what fills <{name}> of {endpoint}")


def _turn(endpoint: str) -> int:
    return ENDERS.index(endpoint) + 1 if endpoint in ENDERS else 0
