"""Server of the simulator on a port, in an event loop or in its own thread."""

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
    """A simulator and its port, which can be closed and opened again."""

    def __init__(self, settings: Settings, *, port: int, host: str = HOST) -> None:
        self.simulator = Simulator(settings)
        self.host, self.port = host, port
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Connection(self.simulator, self._connections), self.host, self.port, backlog=BACKLOG
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Reset all connections and refuse new ones; responses in flight are lost."""
        if self._server:
            self._server.close()
        for connection in list(self._connections):
            connection.close()
        while self._connections:
            # abort() takes effect in the next round of the loop; wait_closed() waits for it only from Python 3.12 on.
            await asyncio.sleep(0)
        if self._server:
            await self._server.wait_closed()
            self._server = None


@asynccontextmanager
async def listening(settings: Settings, *, port: int = 0, host: str = HOST) -> AsyncIterator[Listener]:
    """Serve on a port, 0 for a free one. Raises OSError if the port is in use."""
    listener = Listener(settings, port=port, host=host)
    try:
        await listener.open()
        yield listener
    finally:
        await listener.close()
        listener.simulator.close()


class RunningSimulator:
    """Controls of a simulator that runs in another thread."""

    def __init__(self, listener: Listener, loop: asyncio.AbstractEventLoop) -> None:
        self._listener = listener
        self._loop = loop
        self.address = f"http://{HOST}:{listener.port}"

    def set(self, **settings: Any) -> None:
        """Change settings by name. Raises ValueError with a message."""
        simulator = self._listener.simulator
        self._call(lambda: simulator.apply(simulator.settings.with_changes(**settings)))

    @property
    def settings(self) -> Settings:
        return self._call(lambda: self._listener.simulator.settings)

    def statistics(self) -> dict[str, Any]:
        return self._call(self._listener.simulator.statistics.as_json)

    def pictures(self) -> dict[str, dict[str, int]]:
        """Number of paid calls by operation and digest of the picture."""
        return self._call(self._listener.simulator.statistics.pictures)

    def reset(self, *, settings: bool = False) -> None:
        self._call(lambda: self._listener.simulator.reset(settings=settings))

    @contextmanager
    def unreachable(self) -> Iterator[None]:
        """Close the port for the duration of the block, as if no server were running."""
        asyncio.run_coroutine_threadsafe(self._listener.close(), self._loop).result()
        try:
            yield
        finally:
            asyncio.run_coroutine_threadsafe(self._listener.open(), self._loop).result()

    def _call(self, function: Callable[[], T]) -> T:
        async def call() -> T:
            return function()

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result()


@contextmanager
def run_simulator(*, port: int = 0, **settings: Any) -> Iterator[RunningSimulator]:
    """Run a simulator in a thread of this process. Raises ValueError and OSError."""
    chosen = Settings().with_changes(**settings)
    started: list[RunningSimulator | OSError] = []
    is_ready, stopped = threading.Event(), asyncio.Event()

    async def run() -> None:
        try:
            async with listening(chosen, port=port) as listener:
                started.append(RunningSimulator(listener, asyncio.get_running_loop()))
                is_ready.set()
                await stopped.wait()
        except OSError as error:
            started.append(error)
        finally:
            is_ready.set()

    thread = threading.Thread(target=asyncio.run, args=(run(),), name="simulator", daemon=True)
    thread.start()
    is_ready.wait()
    if isinstance(started[0], OSError):
        raise started[0]
    try:
        yield started[0]
    finally:
        started[0]._loop.call_soon_threadsafe(stopped.set)
        thread.join()
