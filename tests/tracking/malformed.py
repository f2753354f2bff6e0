"""Beats as they should not be: mangled honest ones, hostile numbers, foreign shapes, noise."""

import json
import random
from collections.abc import Iterator
from typing import Any

_VALUES: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 1.5, 1e308, float("nan"), float("inf"), 2**31, 2**63, 10**40, "", "0", "a" * 200,
    "\x00", "\ud800", "'; DROP TABLE page_views; --", "<script>", [], {}, [[]], [None], {"a": {}}, [1] * 70,
    [[1, "module.saved", "x", None, None]], {"efficacy": [1, 1, 1, 1, 1]}, {"efficacy": [10**9, 0, 0, 0, 0]},
)  # fmt: skip


def malformed_beats(dice: random.Random, honest: dict[str, Any], count: int) -> Iterator[bytes]:
    """Give `count` messages, most of them no beats, some of them lies in good form."""
    for _ in range(count):
        yield _KINDS[dice.randrange(len(_KINDS))](dice, dict(honest))


def _changed(dice: random.Random, message: dict[str, Any]) -> bytes:
    for name in dice.sample(sorted(message), dice.randint(1, 3)):
        message[name] = dice.choice(_VALUES)
    return _bytes(message)


def _numbers(dice: random.Random, message: dict[str, Any]) -> bytes:
    for name in dice.sample(["n", "t", "vis", "eng", "ret", "sil", "blur", "idle", "gap", "pend", "vid"], 4):
        message[name] = dice.choice((0, 1, 250, 4000, 10**6, 10**8, 172_800_000, 10**12))
    return _bytes(message)


def _fewer(dice: random.Random, message: dict[str, Any]) -> bytes:
    del message[dice.choice(sorted(message))]
    return _bytes(message)


def _more(dice: random.Random, message: dict[str, Any]) -> bytes:
    message[dice.choice(("x", "VIS", "hcp", "__proto__", ""))] = dice.choice(_VALUES)
    return _bytes(message)


def _flipped(dice: random.Random, message: dict[str, Any]) -> bytes:
    whole = bytearray(_bytes(message))
    for _ in range(dice.randint(1, 4)):
        whole[dice.randrange(len(whole))] = dice.randrange(256)
    return bytes(whole)


def _cut(dice: random.Random, message: dict[str, Any]) -> bytes:
    whole = _bytes(message)
    return whole[: dice.randrange(len(whole))]


def _noise(dice: random.Random, _message: dict[str, Any]) -> bytes:
    return dice.randbytes(dice.choice((0, 1, 30, 4096, 4097, 6000)))


def _deep(dice: random.Random, _message: dict[str, Any]) -> bytes:
    return dice.choice((b"[", b'{"a":', b"[[")) * dice.randint(100, 2000)


def _long(dice: random.Random, message: dict[str, Any]) -> bytes:
    message["sec"] = {f"s{i}": [0, 0, 0, 0, 0] for i in range(dice.randint(60, 400))}
    return _bytes(message)


def _foreign(dice: random.Random, message: dict[str, Any]) -> bytes:
    message["c"] = "".join(dice.choice("0123456789abcdef") for _ in range(55)) + "." + "A" * 43
    return _bytes(message)


def _sections(dice: random.Random, message: dict[str, Any]) -> bytes:
    keys = ("efficacy", "unknown", "../etc", "é", "a" * 300, "efficacy#", "#")
    message["sec"] = {dice.choice(keys): [dice.choice((0, 1, 4000, 10**7)) for _ in range(5)] for _ in range(3)}
    return _bytes(message)


def _bytes(message: dict[str, Any]) -> bytes:
    return json.dumps(message, ensure_ascii=True).encode()


_KINDS = (_changed, _changed, _numbers, _fewer, _more, _flipped, _cut, _noise, _deep, _long, _foreign, _sections)
