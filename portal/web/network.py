"""Where a request comes from, as keyed hashes that change every day: enough to see one robot over many links."""

import hashlib
import hmac
from datetime import timedelta
from ipaddress import ip_address

from flask import request

from portal.access.watching import NetworkAddress
from portal.web import house

_DAY = timedelta(days=1)


def address() -> NetworkAddress:
    """Return the network address of this request; the address itself is kept nowhere."""
    today, yesterday = (_hash(at.date().isoformat()) for at in (house.now(), house.now() - _DAY))
    return NetworkAddress(today, (today, yesterday), _is_local(request.remote_addr or ""))


def _is_local(given: str) -> bool:
    try:
        return ip_address(given).is_loopback
    except ValueError:
        return False


def _hash(day: str) -> str:
    key = house.settings().secret_key[-1].encode()
    return hmac.digest(key, f"address {day} {request.remote_addr}".encode(), hashlib.sha256).hex()
