"""What happened: typed events, written in the transaction of the deed."""

from portal.audit.actors import Actor, ActorKind
from portal.audit.events import Event, Personal
from portal.audit.record import record, record_all

__all__ = ["Actor", "ActorKind", "Event", "Personal", "record", "record_all"]
