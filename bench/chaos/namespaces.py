"""Hosts in Linux namespaces: each has its own network, processes and name.

They need no root, since a user namespace owns them. No cleanup is needed, even after a crash: the first process of each
namespace exits with this process; then the kernel kills the others and removes the namespace.
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
MAX_HOSTS = 9
SECONDS = 10.0


class NoNamespaces(RuntimeError):
    """The user can't create namespaces on this machine; the message has the reason."""


@dataclass
class Host:
    """A simulated machine, connected to the network's switch."""

    network: Network
    number: int
    holder: subprocess.Popen[str]
    first: int  # id of the first process; when it ends, so do all others

    @property
    def address(self) -> str:
        return f"{SUBNET}.{self.number}"

    @property
    def port(self) -> str:
        """The name of the host's port at the switch."""
        return f"port{self.number}"

    def command(self, *command: str | Path) -> list[str]:
        """Wrap a command so that it runs on the host."""
        return [*_enter(self.first, "--net", "--pid", "--uts"), *map(str, command)]

    def cut_off(self) -> None:
        """Silently drop all packets in both directions."""
        self.network.switch("link", "set", self.port, "nomaster")

    def connect(self) -> None:
        self.network.switch("link", "set", self.port, "master", "switch")

    def power_off(self) -> None:
        """Kill all processes at once, without closing their connections."""
        self.cut_off()
        self.end()

    def end(self) -> None:
        if self.holder.poll() is None:
            os.kill(self.first, signal.SIGKILL)
        self.holder.communicate(timeout=SECONDS)


@dataclass
class Network:
    """A switch that connects the hosts, in a network namespace with no way out."""

    holder: subprocess.Popen[str]
    stack: ExitStack

    def switch(self, *arguments: str) -> None:
        _run([*_enter(self.holder.pid, "--net"), "ip", *arguments])

    def host(self, number: int) -> Host:
        """Start a host, also one that was powered off."""
        first = f"hostname host-{number} && ip link set lo up"
        own = ["unshare", "--net", "--pid", "--uts", "--fork", "--kill-child"]
        holder = _hold([*_enter(self.holder.pid, "--net"), *own], script=first)
        children = Path(f"/proc/{holder.pid}/task/{holder.pid}/children").read_text()
        host = Host(self, number, holder, int(children))
        self.stack.callback(host.end)
        self._plug_in(host)
        return host

    def _plug_in(self, host: Host) -> None:
        # The kernel takes a moment to remove the interface of a host that was powered off.
        subprocess.run(
            [*_enter(self.holder.pid, "--net"), "ip", "link", "delete", host.port], check=False, capture_output=True
        )
        peer = ["peer", "name", "eth0", "address", _hardware_address(host.number), "netns", str(host.first)]
        self.switch("link", "add", host.port, "type", "veth", *peer)
        self.switch("link", "set", host.port, "up")
        host.connect()
        # Without static entries, hosts would soon report a lost one as unreachable; behind a router they would not.
        known = [f"neigh add {SUBNET}.{n} lladdr {_hardware_address(n)} dev eth0" for n in range(1, MAX_HOSTS + 1)]
        lines = [f"address add {host.address}/24 dev eth0", "link set eth0 up", *known]
        _run(host.command("ip", "-batch", "-"), lines="\n".join(lines))


@contextmanager
def network() -> Iterator[Network]:
    """Create a network without hosts. Raises NoNamespaces."""
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
    """Create namespaces that last until the pipe is closed."""
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
