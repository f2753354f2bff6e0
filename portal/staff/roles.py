"""Roles of staff and the permission table; what is not in the table is refused."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a member of staff is."""

    REP = "rep"
    MANAGER = "manager"
    MARKETER = "marketer"
    REVIEWER = "reviewer"
    COMPLIANCE = "compliance"
    ADMIN = "admin"


ROLE_WORDS = {
    Role.REP: "representative",
    Role.MANAGER: "manager",
    Role.MARKETER: "marketer",
    Role.REVIEWER: "reviewer",
    Role.COMPLIANCE: "compliance",
    Role.ADMIN: "administrator",
}


class Permission(StrEnum):
    """What a route can ask for."""

    HOME = "home"
    HCP_READ = "hcp.read"
    HCP_IMPORT = "hcp.import"
    VISIT_NOTE = "visit.note"
    LINK_ISSUE = "link.issue"
    LINK_REVOKE = "link.revoke"
    PRESET_READ = "preset.read"
    PRESET_WRITE = "preset.write"
    CONSENT_RECORD = "consent.record"
    MAIL_SEND = "mail.send"
    MAIL_WRITE = "mail.write"
    MAIL_APPROVE = "mail.approve"
    OUTBOX_READ = "outbox.read"
    REPORT_READ = "report.read"
    CONTENT_READ = "content.read"
    CONTENT_WRITE = "content.write"
    CONTENT_APPROVE = "content.approve"
    CONTENT_WITHDRAW = "content.withdraw"
    RULES_READ = "rules.read"
    RULES_WRITE = "rules.write"
    RULES_APPROVE = "rules.approve"
    RULES_RELEASE = "rules.release"
    RULES_KILL = "rules.kill"
    PREVIEW = "preview"
    AUDIT_READ = "audit.read"
    AUDIT_EXPORT = "audit.export"
    REPLAY = "replay"
    USERS_MANAGE = "users.manage"


@dataclass(frozen=True, slots=True)
class Person:
    """A signed-in member of staff, as permissions see them."""

    id: str
    name: str
    email: str
    roles: frozenset[Role]

    @property
    def in_words(self) -> str:
        """Return the name with the roles: `Anna Keller, representative`."""
        return ", ".join([self.name, *(ROLE_WORDS[role] for role in Role if role in self.roles)])


Predicate = Callable[[Person], bool]


def _is(role: Role) -> Predicate:
    def predicate(person: Person) -> bool:
        return role in person.roles

    return predicate


_rep, _manager, _marketer = _is(Role.REP), _is(Role.MANAGER), _is(Role.MARKETER)
_reviewer, _compliance, _admin = _is(Role.REVIEWER), _is(Role.COMPLIANCE), _is(Role.ADMIN)


def _anybody(_person: Person) -> bool:
    return True


# Any clause grants; within a clause every predicate must hold. Actions check the subject (own doctor, four eyes) again.
TABLE: dict[Permission, list[list[Predicate]]] = {
    Permission.HOME: [[_anybody]],
    Permission.HCP_READ: [[_rep], [_manager]],
    Permission.HCP_IMPORT: [[_admin]],
    Permission.VISIT_NOTE: [[_rep]],
    Permission.LINK_ISSUE: [[_rep]],
    Permission.LINK_REVOKE: [[_rep], [_manager]],
    Permission.PRESET_READ: [[_rep], [_manager], [_marketer]],
    Permission.PRESET_WRITE: [[_manager], [_marketer]],
    Permission.CONSENT_RECORD: [[_rep], [_manager]],
    Permission.MAIL_SEND: [[_rep]],
    Permission.MAIL_WRITE: [[_marketer]],
    Permission.MAIL_APPROVE: [[_reviewer]],
    Permission.OUTBOX_READ: [[_admin]],
    Permission.REPORT_READ: [[_rep], [_manager], [_marketer]],
    Permission.CONTENT_READ: [[_marketer], [_reviewer], [_compliance]],
    Permission.CONTENT_WRITE: [[_marketer]],
    Permission.CONTENT_APPROVE: [[_reviewer]],
    Permission.CONTENT_WITHDRAW: [[_marketer], [_reviewer], [_compliance]],
    Permission.RULES_READ: [[_marketer], [_reviewer], [_compliance]],
    Permission.RULES_WRITE: [[_marketer]],
    Permission.RULES_APPROVE: [[_reviewer]],
    Permission.RULES_RELEASE: [[_marketer], [_reviewer]],
    Permission.RULES_KILL: [[_marketer], [_reviewer], [_compliance]],
    Permission.PREVIEW: [[_marketer], [_reviewer]],
    Permission.AUDIT_READ: [[_compliance]],
    Permission.AUDIT_EXPORT: [[_compliance]],
    Permission.REPLAY: [[_compliance]],
    Permission.USERS_MANAGE: [[_admin]],
}


def may(person: Person, permission: Permission) -> bool:
    """Tell whether the table grants `permission` to `person`; an unlisted permission is refused."""
    return any(all(predicate(person) for predicate in clause) for clause in TABLE.get(permission, []))
