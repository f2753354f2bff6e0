"""Where a request comes from, as keyed hashes that change every day: enough to see one robot over many links."""

import hashlib
import hmac
from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from flask import request

from portal.access.watching import NetworkAddress
from portal.web import house

_DAY = timedelta(days=1)
_IPV6_NETWORK = 64  # bits


def address() -> NetworkAddress:
    """Return the network address of this request; the address itself is kept nowhere."""
    given = request.remote_addr or ""
    named, is_local = network_of(given)
    today, yesterday = (_hash(at.date().isoformat(), named) for at in (house.now(), house.now() - _DAY))
    return NetworkAddress(today, (today, yesterday), is_local)


def network_of(given: str) -> tuple[str, bool]:
    """Return what names the network of an address, and whether it is this machine's own.

    Browsers change the last 64 bits of an IPv6 address by themselves, even from one window to the next, so the first
    64 name the network; an IPv4 address in IPv6 clothes is that IPv4 address.
    """
    try:
        found = ip_address(given.partition("%")[0])
    except ValueError:
        return given, False
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped), found.ipv4_mapped.is_loopback
        if not found.is_loopback:
            return str(ip_network((found, _IPV6_NETWORK), strict=False)), False
    return str(found), found.is_loopback


def _hash(day: str, named: str) -> str:
    key = house.settings().secret_key[-1].encode()
    return hmac.digest(key, f"address {day} {named}".encode(), hashlib.sha256).hex()
