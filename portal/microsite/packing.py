"""A page as gzip (RFC 1952), joined from parts that were compressed once. Pure.

Every part is a run of deflate blocks of its own that ends on a whole byte and looks back at nothing before it, so that
parts can stand in any order. Short parts, among them the credential of a page, are not compressed at all: what is
secret never meets anything else in one window, so the size of an answer tells nothing of it.
"""

import zlib
from collections.abc import Iterable
from functools import lru_cache

_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
_LAST_BLOCK = b"\x03\x00"
_WORTH_IT = 200  # characters from which a part is compressed; credentials are shorter
_MOST_STORED = 65_535  # bytes of one stored block


def packed(parts: Iterable[str], whole: bytes) -> bytes:
    """Return the gzip of `whole`, which are the `parts` one after the other in UTF-8."""
    blocks = [_compressed(part) if len(part) >= _WORTH_IT else _stored(part.encode()) for part in parts if part]
    tail = zlib.crc32(whole).to_bytes(4, "little") + (len(whole) & 0xFFFFFFFF).to_bytes(4, "little")
    return b"".join((_HEAD, *blocks, _LAST_BLOCK, tail))


@lru_cache(maxsize=4096)
def _compressed(part: str) -> bytes:
    making = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return making.compress(part.encode()) + making.flush(zlib.Z_FULL_FLUSH)


def _stored(raw: bytes) -> bytes:
    size = len(raw)
    if size > _MOST_STORED:  # short parts never are
        raise ValueError("too long for one block")
    return b"\x00" + size.to_bytes(2, "little") + (size ^ 0xFFFF).to_bytes(2, "little") + raw
