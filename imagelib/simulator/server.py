"""The simulator on a port: for as long as a coroutine or a `with` block runs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

from imagelib.simulator.connection import Connection
from imagelib.simulator.service import Simulator
from imagelib.simulator.settings import Settings

HOST = "127.0.0.1"
BACKLOG = 1024
T = TypeVar("T")


class Listener:
    """A simulator and its door, which closes and opens again on the same port."""

    def __init__(self, settings: Settings, *, port: int) -> None:
        self.simulator = Simulator(settings)
        self.port = port
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Connection(self.simulator, self._connections), HOST, self.port, backlog=BACKLOG
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Connections are reset, further ones refused; answers on their way are not heard."""
        if self._server:
            self._server.close()
        for connection in list(self._connections):
            connection.close()
        while self._connections:
            await asyncio.sleep(0)
        if self._server:
            await self._server.wait_closed()
            self._server = None


@asynccontextmanager
async def listening(settings: Settings, *, port: int = 0) -> AsyncIterator[Listener]:
    """Port 0 is a free one. Raises OSError for a taken one."""
    listener = Listener(settings, port=port)
    try:
        await listener.open()
        yield listener
    finally:
        await listener.close()
        listener.simulator.close()


class Running:
    """A simulator in a thread, steered from others."""

    def __init__(self, listener: Listener, loop: asyncio.AbstractEventLoop) -> None:
        self._listener = listener
        self._loop = loop
        self.address = f"http://{HOST}:{listener.port}"

    def set(self, **knobs: Any) -> None:
        """Change settings by name. Raises ValueError with a sentence."""
        simulator = self._listener.simulator
        self._there(lambda: simulator.use(simulator.settings.changed(**knobs)))

    @property
    def settings(self) -> Settings:
        return self._there(lambda: self._listener.simulator.settings)

    def statistics(self) -> dict[str, Any]:
        return self._there(self._listener.simulator.statistics.as_json)

    def pictures(self) -> dict[str, dict[str, int]]:
        """By operation: digest of a picture and how often it was paid for."""
        return self._there(self._listener.simulator.statistics.pictures)

    def reset(self, *, settings: bool = False) -> None:
        self._there(lambda: self._listener.simulator.reset(settings=settings))

    @contextmanager
    def away(self) -> Iterator[None]:
        """Meanwhile connections are refused, as by a machine without the server."""
        asyncio.run_coroutine_threadsafe(self._listener.close(), self._loop).result()
        try:
            yield
        finally:
            asyncio.run_coroutine_threadsafe(self._listener.open(), self._loop).result()

    def _there(self, act: Callable[[], T]) -> T:
        async def done() -> T:
            return act()

        return asyncio.run_coroutine_threadsafe(done(), self._loop).result()


@contextmanager
def running(*, port: int = 0, **knobs: Any) -> Iterator[Running]:
    """A simulator on loopback in a thread of this process. Raises ValueError and OSError."""
    settings = Settings().changed(**knobs)
    started: list[Running | OSError] = []
    is_up, ending = threading.Event(), asyncio.Event()

    async def run() -> None:
        try:
            async with listening(settings, port=port) as listener:
                started.append(Running(listener, asyncio.get_running_loop()))
                is_up.set()
                await ending.wait()
        except OSError as error:
            started.append(error)
        finally:
            is_up.set()

    thread = threading.Thread(target=asyncio.run, args=(run(),), name="simulator", daemon=True)
    thread.start()
    is_up.wait()
    if isinstance(started[0], OSError):
        raise started[0]
    try:
        yield started[0]
    finally:
        started[0]._loop.call_soon_threadsafe(ending.set)
        thread.join()
