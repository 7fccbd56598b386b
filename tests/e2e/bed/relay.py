"""Relay: from a port on this machine's loopback to a port of the guest, over a line that can be long or break."""

import asyncio
import socket
import struct
import threading
from collections.abc import Mapping

from tests.e2e.bed.addresses import GUEST

CHUNK = 1 << 16
# How much may be on its way: enough for a fast line over half the world.
CHUNKS = 512
CONNECT_SECONDS = 5.0
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: hang up without a word

Line = tuple[asyncio.StreamWriter, asyncio.StreamWriter]


class Relay:
    """Accepts on sockets that listen in one network namespace, and connects to the guest from another.

    Whoever connects while the guest is down is accepted and hung up on.
    """

    def __init__(self, listening: Mapping[int, socket.socket]) -> None:
        self._listening = listening
        self._loop = asyncio.new_event_loop()
        self._lines: set[Line] = set()
        self._one_way_seconds = 0.0

    def start(self) -> None:
        """Relay from now on."""
        threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True).start()

    def delay(self, round_trip_seconds: float) -> None:
        """How long a byte and its answer take, from now on."""
        self._one_way_seconds = round_trip_seconds / 2

    def cut(self) -> None:
        """Reset every connection there is."""
        self._loop.call_soon_threadsafe(self._cut)

    def _cut(self) -> None:
        for line in self._lines:
            for writer in line:
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                writer.transport.abort()

    async def _serve(self) -> None:
        for port, listening in self._listening.items():
            await asyncio.start_server(lambda *caller, port=port: self._connect(port, *caller), sock=listening)
        await asyncio.Event().wait()

    async def _connect(self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                guest_reader, guest_writer = await asyncio.open_connection(GUEST, port)
        except OSError:
            writer.transport.abort()
            return
        line = (writer, guest_writer)
        self._lines.add(line)
        try:
            await asyncio.gather(self._carry(reader, guest_writer), self._carry(guest_reader, writer))
        finally:
            self._lines.discard(line)
            for end in line:
                end.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One direction. What is read waits for its time without holding up what comes after it."""
        on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(CHUNKS)

        async def read() -> None:
            data = b"?"
            while data:
                try:
                    data = await reader.read(CHUNK)
                except OSError:
                    data = b""
                await on_the_way.put((self._loop.time() + self._one_way_seconds, data))

        reading = asyncio.create_task(read())
        try:
            while True:
                due, data = await on_the_way.get()
                await asyncio.sleep(due - self._loop.time())
                if not data:
                    break
                writer.write(data)
                await writer.drain()
            writer.write_eof()
        except OSError:
            writer.transport.abort()
        finally:
            reading.cancel()
