"""A proxy that loses, doubles, delays and resets beats on purpose."""

import asyncio
import random
import socket
import struct
from collections.abc import Callable
from enum import StrEnum


class Fault(StrEnum):
    """What happens to a beat on its way."""

    NONE = "none"
    LOST = "lost"  # never arrives, and is answered 200
    ERROR = "error"  # never arrives, and is answered 500
    RESET = "reset"  # arrives, and the connection breaks before the answer
    TWICE = "twice"  # arrives twice
    LATE = "late"  # arrives at once, and is answered two seconds later
    SHUFFLED = "shuffled"  # arrives after a random time of up to three seconds
    SLOW_DOWN = "slow down"  # never arrives, and is answered 429
    GONE = "gone"  # never arrives, and is answered 410
    OFFLINE = "offline"  # nothing gets through, pages included


_SWALLOWED = (Fault.LOST, Fault.ERROR, Fault.SLOW_DOWN, Fault.GONE)

Choice = Callable[[int], Fault]


def always(fault: Fault) -> Choice:
    """Return a choice that does the same to every beat."""
    return lambda _number: fault


def every_third(fault: Fault) -> Choice:
    """Return a choice that strikes every third beat."""
    return lambda number: fault if number % 3 == 0 else Fault.NONE


class Proxy:
    """Stands between one browser and the site; `choice` decides about each beat by its number."""

    def __init__(self, upstream: int) -> None:
        self.upstream = upstream
        self.choice: Choice = always(Fault.NONE)
        self.beats = 0
        self.port = 0
        self._server: asyncio.Server | None = None
        self._random = random.Random(7)
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening."""
        if self._server:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task:
            self._tasks.add(task)
        try:
            more = True
            while more:
                more = await self._exchange(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            return
        finally:
            writer.close()
            if task:
                self._tasks.discard(task)

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        length = _length(head)
        message = head + (await reader.readexactly(length) if length else b"")
        if self.choice(0) is Fault.OFFLINE:
            _reset(writer)
            return False
        if not head.startswith(b"POST"):
            writer.write(await self._forward(message))
            await writer.drain()
            return True
        self.beats += 1
        return await self._beat(message, writer, self.choice(self.beats))

    async def _beat(self, message: bytes, writer: asyncio.StreamWriter, fault: Fault) -> bool:
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        if fault is Fault.ERROR:
            answer = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"
        if fault is Fault.SLOW_DOWN:
            answer = b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n"
        if fault is Fault.GONE:
            answer = b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"
        if fault is Fault.SHUFFLED:
            await asyncio.sleep(self._random.uniform(0, 3))
        if fault not in _SWALLOWED:
            answer = await self._forward(message)
        if fault is Fault.TWICE:
            await self._forward(message)
        if fault is Fault.LATE:
            await asyncio.sleep(2)
        if fault is Fault.RESET:
            _reset(writer)
            return False
        writer.write(answer)
        await writer.drain()
        return True

    async def _forward(self, message: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.upstream)
        writer.write(message.replace(b"\r\nConnection: keep-alive", b"\r\nConnection: close", 1))
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        length = _length(head)
        body = await reader.readexactly(length) if length else b""
        writer.close()
        return head + body


def _reset(writer: asyncio.StreamWriter) -> None:
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.split(b":")[1])
    return 0
