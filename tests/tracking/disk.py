"""A disk that can lose power: every write, truncation and sync of SQLite in this process is written down.

SQLite's own file layer is asked to call us beside itself (its table of file methods is copied, three entries replaced).
A cut keeps of each file what was synced, and of what was written since any part in whole sectors, in any choice.
"""

import _sqlite3
import ctypes
import random
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SECTOR = 512
_METHODS = 18  # of the third version of SQLite's table, after its version number
_WRITE, _TRUNCATE, _SYNC = 2, 3, 4
_XOPEN = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p
)
_XWRITE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_int64)
_XTRUNCATE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int64)
_XSYNC = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int)


class _Vfs(ctypes.Structure):
    _fields_ = [
        ("version", ctypes.c_int),
        ("file_size", ctypes.c_int),
        ("longest_name", ctypes.c_int),
        ("next", ctypes.c_void_p),
        ("name", ctypes.c_char_p),
        ("data", ctypes.c_void_p),
        ("open", ctypes.c_void_p),
    ]


class _Table(ctypes.Structure):
    _fields_ = [("version", ctypes.c_int), ("method", ctypes.c_void_p * _METHODS)]


class _File(ctypes.Structure):
    _fields_ = [("table", ctypes.c_void_p)]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened: a write, truncate, sync of a file, or a mark of the test's own."""

    kind: str
    file: str
    at: int = 0
    data: bytes = b""
    note: Any = None


@dataclass
class Disk:
    """The files of a folder as they were, and every step since."""

    folder: Path
    before: dict[str, bytes]
    steps: list[Step] = field(default_factory=list)

    def mark(self, note: Any) -> None:
        """Write down that something was acknowledged."""
        self.steps.append(Step("mark", "", note=note))

    def cuts(self) -> list[int]:
        """The moments at which power may go: after each step."""
        return list(range(1, len(self.steps) + 1))

    def after_cut(self, cut: int, folder: Path, dice: random.Random) -> list[Any]:
        """Lay the files into `folder` as a power cut after `cut` steps may leave them; return the marks until then."""
        safe = {name: bytearray(data) for name, data in self.before.items()}
        waiting: dict[str, list[Step]] = {}
        for step in self.steps[:cut]:
            if step.kind == "sync":
                for done in waiting.pop(step.file, []):
                    _do(safe, done)
                safe.setdefault(step.file, bytearray())
            elif step.kind != "mark":
                waiting.setdefault(step.file, []).append(step)
        mood = dice.choice(("nothing", "everything", "some"))
        for steps in waiting.values():
            for step in steps:
                if mood == "everything":
                    _do(safe, step)
                elif mood == "some":
                    for part in _sectors(step):
                        if dice.random() < 0.5:
                            _do(safe, part)
        for name, data in safe.items():
            (folder / name).write_bytes(data)
        return [step.note for step in self.steps[:cut] if step.kind == "mark"]


@contextmanager
def watched(folder: Path) -> Iterator[Disk]:
    """Write down all that SQLite does to the files of `folder`; only connections opened inside are seen."""
    library = ctypes.CDLL(_sqlite3.__file__)
    library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
    library.sqlite3_vfs_find.argtypes = [ctypes.c_char_p]
    vfs = library.sqlite3_vfs_find(None).contents
    disk = Disk(folder, {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.endswith("-shm")})
    real_open = _XOPEN(vfs.open)
    kept: list[Any] = []  # SQLite holds bare pointers to these

    def open_file(own: int, name: int | None, file: int, flags: int, out: int | None) -> int:
        answer = int(real_open(own, name, file, flags, out))
        path = Path(ctypes.string_at(name).decode()) if name else None
        if answer == sqlite3.SQLITE_OK and path is not None and path.parent == folder:
            _listen(disk, path.name, file, kept)
        return answer

    replaced = _XOPEN(open_file)
    kept.append(replaced)
    before = vfs.open
    vfs.open = ctypes.cast(replaced, ctypes.c_void_p).value
    try:
        yield disk
    finally:
        vfs.open = before
        _KEPT.extend(kept)  # a connection may outlive the watch


_KEPT: list[Any] = []


def _listen(disk: Disk, name: str, file: int, kept: list[Any]) -> None:
    opened = _File.from_address(file)
    table = _Table.from_buffer_copy(ctypes.string_at(opened.table, ctypes.sizeof(_Table)))
    method = table.method
    write, truncate, sync = _XWRITE(method[_WRITE]), _XTRUNCATE(method[_TRUNCATE]), _XSYNC(method[_SYNC])

    def on_write(file: int, data: int, length: int, at: int) -> int:
        answer = int(write(file, data, length, at))
        disk.steps.append(Step("write", name, at, ctypes.string_at(data, length)))
        return answer

    def on_truncate(file: int, size: int) -> int:
        answer = int(truncate(file, size))
        disk.steps.append(Step("truncate", name, size))
        return answer

    def on_sync(file: int, flags: int) -> int:
        answer = int(sync(file, flags))
        disk.steps.append(Step("sync", name))
        return answer

    ours = (_XWRITE(on_write), _XTRUNCATE(on_truncate), _XSYNC(on_sync))
    for place, function in zip((_WRITE, _TRUNCATE, _SYNC), ours, strict=True):
        method[place] = ctypes.cast(function, ctypes.c_void_p).value
    opened.table = ctypes.addressof(table)
    kept.extend((table, *ours))


def _do(files: dict[str, bytearray], step: Step) -> None:
    data = files.setdefault(step.file, bytearray())
    if step.kind == "truncate":
        del data[step.at :]
        return
    data.extend(bytes(max(0, step.at - len(data))))
    data[step.at : step.at + len(step.data)] = step.data


def _sectors(step: Step) -> Iterator[Step]:
    if step.kind == "truncate":
        yield step
        return
    start = 0
    while start < len(step.data):
        end = min(len(step.data), (step.at + start) // SECTOR * SECTOR + SECTOR - step.at)
        yield Step("write", step.file, step.at + start, step.data[start:end])
        start = end
