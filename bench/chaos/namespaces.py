"""Hosts in Linux namespaces: each has its own network, processes and name.

They need no root: a user namespace owns them. Nothing has to be removed afterwards, not even after a crash: the first
process of each namespace ends when this process does, the kernel ends the others, and then removes the namespace.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("unshare", "nsenter", "ip")
SUBNET = "10.77.0"
MOST = 9  # hosts in a network
SECONDS = 10.0


class NoNamespaces(RuntimeError):
    """This machine lets its user make no namespaces; the message says why."""


@dataclass
class Host:
    """A machine that is connected to the network's switch."""

    network: Network
    number: int
    holder: subprocess.Popen[str]
    first: int  # process id of the first process, with which all others end

    @property
    def address(self) -> str:
        return f"{SUBNET}.{self.number}"

    @property
    def port(self) -> str:
        """The name of its port at the switch."""
        return f"port{self.number}"

    def command(self, *command: str | Path) -> list[str]:
        """The command that runs this command on the host."""
        return [*_enter(self.first, "--net", "--pid", "--uts"), *map(str, command)]

    def cut_off(self) -> None:
        """Let no packet through, without a word to either side."""
        self.network.switch("link", "set", self.port, "nomaster")

    def connect(self) -> None:
        self.network.switch("link", "set", self.port, "master", "switch")

    def power_off(self) -> None:
        """End all processes at once; none of them says goodbye to its connections."""
        self.cut_off()
        self.end()

    def end(self) -> None:
        if self.holder.poll() is None:
            os.kill(self.first, signal.SIGKILL)
        self.holder.communicate(timeout=SECONDS)


@dataclass
class Network:
    """A switch that connects the hosts, in a network namespace without any way out."""

    holder: subprocess.Popen[str]
    stack: ExitStack

    def switch(self, *arguments: str) -> None:
        _run([*_enter(self.holder.pid, "--net"), "ip", *arguments])

    def host(self, number: int) -> Host:
        """Start a host. One that was switched off can be started again."""
        first = f"hostname host-{number} && ip link set lo up"
        own = ["unshare", "--net", "--pid", "--uts", "--fork", "--kill-child"]
        holder = _hold([*_enter(self.holder.pid, "--net"), *own], script=first)
        children = Path(f"/proc/{holder.pid}/task/{holder.pid}/children").read_text()
        host = Host(self, number, holder, int(children))
        self.stack.callback(host.end)
        self._plug_in(host)
        return host

    def _plug_in(self, host: Host) -> None:
        # A host that was switched off may still have its cable: the kernel takes a moment.
        subprocess.run(
            [*_enter(self.holder.pid, "--net"), "ip", "link", "delete", host.port], check=False, capture_output=True
        )
        peer = ["peer", "name", "eth0", "address", _hardware_address(host.number), "netns", str(host.first)]
        self.switch("link", "add", host.port, "type", "veth", *peer)
        self.switch("link", "set", host.port, "up")
        host.connect()
        # Without these, hosts would soon report that another one is unreachable; behind a router they would not.
        known = [f"neigh add {SUBNET}.{n} lladdr {_hardware_address(n)} dev eth0" for n in range(1, MOST + 1)]
        lines = [f"address add {host.address}/24 dev eth0", "link set eth0 up", *known]
        _run(host.command("ip", "-batch", "-"), lines="\n".join(lines))


@contextmanager
def network() -> Iterator[Network]:
    """A network without hosts. Raises NoNamespaces."""
    if missing := [name for name in PROGRAMS if not shutil.which(name)]:
        raise NoNamespaces(f"{' and '.join(missing)} missing: needs Linux with util-linux and iproute2")
    with ExitStack() as stack:
        holder = _hold(["unshare", "--user", "--map-root-user", "--net"], script="ip link add switch type bridge")
        stack.callback(holder.communicate, timeout=SECONDS)
        made = Network(holder, stack)
        made.switch("link", "set", "switch", "up")
        yield made


def _hardware_address(number: int) -> str:
    return f"02:00:00:00:00:{number:02x}"


def _enter(process: int, *namespaces: str) -> list[str]:
    return ["nsenter", "--target", str(process), "--user", *namespaces, "--preserve-credentials", "--"]


def _hold(command: Sequence[str], *, script: str) -> subprocess.Popen[str]:
    """Make namespaces that last until their pipe is closed."""
    holder = subprocess.Popen(
        [*command, "sh", "-c", f"{script} && echo ready && exec cat"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert holder.stdout is not None
    if holder.stdout.readline() != "ready\n":
        reason = holder.communicate(timeout=SECONDS)[1].strip()
        raise NoNamespaces(f"no namespaces for this user: {reason}")
    return holder


def _run(command: Sequence[str], *, lines: str = "") -> None:
    ran = subprocess.run(command, input=lines, check=False, capture_output=True, text=True, timeout=SECONDS)
    if ran.returncode:
        raise RuntimeError(f"{' '.join(command)}: {ran.stderr.strip()}")
