"""Stages of the Dockerfile, run step by step without an image builder.

Each stage is its own root folder. What its base image would contain comes from this machine: /usr, /etc and /var
through overlays, so that the machine is not changed, and a Python installation in /usr/local. All else is empty at
first. Needs root, Linux, and its own mount namespace (`unshare --mount`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.container.dockerfile import Instruction, Stage, assignments, context_files, expand

SHARED = ("usr", "etc", "var")
EMPTY = ("tmp", "proc", "dev", "opt", "root", "run", "home")
LINKS = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"}
BASE_ENV = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
STEP_SECONDS = 1_200
REGISTRY = (
    *("PIP_", "NPM_", "npm_config_", "NODE_EXTRA_CA_CERTS", "SSL_"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
)
"""This machine's environment variables for package registries; an image builder has its own."""


@dataclass
class Root:
    """A stage's folder, the folders below it, and the state set by its instructions."""

    folder: Path
    layers: list[Path]
    env: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"
    user: str = "0:0"
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)


class Builder:
    def __init__(self, folder: Path, *, context: Path, python: Path) -> None:
        self._folder, self._context, self._python = folder, context, python
        self.roots: dict[str, Root] = {}

    def build(self, stages: list[Stage]) -> Root:
        for stage in stages:
            root = self.roots[stage.name] = self._begin(stage)
            for instruction in stage.instructions:
                self._step(root, instruction)
        return root

    def _begin(self, stage: Stage) -> Root:
        parent = self.roots.get(stage.base)
        folder = self._folder / stage.name
        layers = [folder / "layer", *(parent.layers if parent else [])]
        for name in ("root", "layer/root", *(f"layer/{name}" for name in SHARED)):
            (folder / name).mkdir(parents=True)
        root = Root(folder / "root", layers, env=dict(parent.env if parent else BASE_ENV))
        self._mount(root, folder)
        if parent:
            root.workdir, root.user = parent.workdir, parent.user
        elif stage.base.startswith("node:"):
            _copy_node(root.folder / "usr/local")
        else:
            for name in ("bin", "lib", "include"):
                _copy(self._python / name, root.folder / "usr/local" / name)
            run(root, ["ldconfig"])  # for Python's library
        return root

    def _mount(self, root: Root, folder: Path) -> None:
        skeleton = self._folder / "skeleton"
        if not skeleton.exists():
            for name in (*EMPTY, *SHARED):
                (skeleton / name).mkdir(parents=True)
            (skeleton / "tmp").chmod(0o1777)
            for name, target in LINKS.items():
                (skeleton / name).symlink_to(target)
        for name in ("root", *SHARED):
            work = folder / f"work-{name}"
            work.mkdir()
            own, *below = [layer / name for layer in root.layers]
            lower = ":".join(map(str, [*below, skeleton if name == "root" else Path("/", name)]))
            target = root.folder if name == "root" else root.folder / name
            _mount("-t", "overlay", "overlay", "-o", f"lowerdir={lower},upperdir={own},workdir={work}", str(target))
        _mount("--bind", "/dev", str(root.folder / "dev"))
        _mount("-t", "proc", "proc", str(root.folder / "proc"))

    def _step(self, root: Root, instruction: Instruction) -> None:
        print(f"{root.folder.parent.name}: {instruction.name} {instruction.arguments}", flush=True)
        values = {**root.arguments, **root.env}
        match instruction.name:
            case "ARG":
                root.arguments |= assignments(instruction)
            case "ENV":
                root.env |= {name: expand(value, values) for name, value in assignments(instruction).items()}
            case "RUN":
                run(root, ["/bin/sh", "-c", instruction.arguments], env={**root.arguments, **_registry()})
            case "COPY":
                self._copy(root, instruction.words)
            case "WORKDIR":
                root.workdir = instruction.arguments
                (root.folder / root.workdir.lstrip("/")).mkdir(parents=True, exist_ok=True)
            case "USER":
                root.user = instruction.arguments
            case "ENTRYPOINT":
                root.entrypoint = instruction.words
            case "CMD":
                root.command = instruction.words
            case "HEALTHCHECK":
                root.health = Instruction("CMD", instruction.arguments.partition("CMD ")[2]).words
            case "LABEL" | "EXPOSE" | "VOLUME":
                pass
            case other:
                raise ValueError(f"This bench does not know the instruction {other}.")

    def _copy(self, root: Root, words: list[str]) -> None:
        if words[0].startswith("--from="):
            source = self.roots[words[0].removeprefix("--from=")].folder / words[1].lstrip("/")
            target = root.folder / words[2].lstrip("/")
            _copy(source, target)
            return
        *sources, destination = words
        target = (
            root.folder / root.workdir.lstrip("/") / destination.lstrip("/")
            if destination == "."
            else (root.folder / destination.lstrip("/"))
        )
        for path in context_files(self._context):
            if "." in sources or path in sources:
                (target / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(self._context / path, target / path)


def run(root: Root, command: list[str], *, env: Mapping[str, str] | None = None) -> str:
    """Output of a command in a stage. Raises subprocess.CalledProcessError."""
    return subprocess.run(
        in_root(root, command),
        env={**root.env, **(env or {})},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=STEP_SECONDS,
    ).stdout


def in_root(root: Root, command: list[str]) -> list[str]:
    """Wrap a command so that it runs in a stage, as its user and in its folder."""
    user, _colon, group = root.user.partition(":")
    enter = ["setpriv", f"--reuid={user}", f"--regid={group or user}", "--clear-groups", "--no-new-privs"]
    inside = ["/bin/sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", root.workdir, *command]
    return ["/usr/sbin/chroot", str(root.folder), *(enter if user != "0" else []), *inside]


def make_read_only(root: Root, *, writable: str, folder: Path) -> None:
    """Make all but `writable` and /tmp read-only, as Docker's --read-only does."""
    volume = root.folder / writable.lstrip("/")
    owner = volume.stat()
    os.chown(folder, owner.st_uid, owner.st_gid)
    for name in ("", *SHARED):
        _mount("-o", "remount,bind,ro", str(root.folder / name))
    _mount("--bind", str(folder), str(volume))
    _mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", str(root.folder / "tmp"))


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def _copy_node(target: Path) -> None:
    """Copy this machine's Node.js and npm to their places in the image of Node.js."""
    paths = {name: Path(shutil.which(name) or "") for name in ("node", "npm")}
    _copy(paths["node"].resolve(strict=True), target / "bin/node")
    _copy(paths["npm"].resolve(strict=True).parent.parent, target / "lib/node_modules/npm")


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def _registry() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(REGISTRY)}
