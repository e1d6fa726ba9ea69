"""coldmxd as a process: what it says to systemd, how it ends, and that it never starts on a journal that is not its own.

Its pair lives on loopback addresses where nothing listens. Not its job: operations (tests/lab).
"""

import json
import os
import pathlib
import re
import select
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
COLDMXD = pathlib.Path(os.environ.get("COLDMX_BUILD", TOP / "build/rel")) / "coldmxd"
SECRETS = {"maps.key": "00" * 32, "tsig.key": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0", "ssh_key": "key",
           "agent-listen.key": "key", "mx1.token": "0123456789abcdef", "mx2.token": "fedcba9876543210"}
PLAIN = ("known_hosts", "agent-listen.pem", "agents-ca.pem", "mx-ca.pem")
LOOPBACK = {"192.0.2.9": "127.0.0.9", "192.0.2.25": "127.0.0.25", "192.0.2.26": "127.0.0.26",
            "192.0.2.53": "127.0.0.53", "192.0.2.54": "127.0.0.54", "192.0.2.2": "127.0.0.2",
            "198.51.100.1": "127.0.0.1", "[2001:db8:1::1]": "[::1]"}
pytestmark = pytest.mark.skipif(not COLDMXD.exists(), reason="coldmxd is not built")


class Daemon:
    """The sample configuration with its folders and addresses moved, and the program on it."""

    def __init__(self, folder):
        self.folder, self.db = folder, folder / "state/coldmx.db"
        self.conf, self.notify_path = folder / "coldmx.conf", str(folder / "notify")
        (folder / "harden.d").mkdir()
        for name in ("state", "run"):
            (folder / name).mkdir(mode=0o700)
        for name in (*SECRETS, *PLAIN):
            (folder / name).touch(0o600)
            (folder / name).write_text(SECRETS.get(name, "x") + "\n")
        for name in ("pager", "beat"):
            (folder / name).write_text("#!/bin/sh\n")
            (folder / name).chmod(0o755)
        self.conf.write_text(self.configuration())
        self.conf.chmod(0o644)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(self.notify_path)
        self.notify.settimeout(60)

    def configuration(self):
        """etc/coldmx.conf for this folder, without IPv6 addresses of hosts."""
        text = (TOP / "etc/coldmx.conf").read_text()
        for before, after in (("/etc/coldmx/notify", f"{self.folder}/pager"), ("/etc/coldmx/heartbeat", f"{self.folder}/beat"),
                              ("/etc/coldmx", str(self.folder)),
                              ("/var/lib/coldmx", f"{self.folder}/state"), ("/run/coldmx", f"{self.folder}/run"),
                              ("/usr/lib/coldmx", str(self.folder)), ("127.0.0.1:8825", "off"),
                              ('"2001:db8::53"', '"::1"'), *LOOPBACK.items()):
            text = text.replace(before, after)
        return re.sub(r"\n *v6 = [^\n]*", "", text)

    def run(self, *options):
        """To its end."""
        return subprocess.run([COLDMXD, "-c", self.conf, *options], capture_output=True, text=True, timeout=60,
                              check=False)

    def start(self):
        """Until it is ready."""
        env = {**os.environ, "NOTIFY_SOCKET": self.notify_path, "WATCHDOG_USEC": "4000000"}
        process = subprocess.Popen([COLDMXD, "-c", self.conf], env=env, stderr=subprocess.PIPE, text=True)
        self.wait_word("READY=1")
        return process

    def listen(self, seconds):
        """Takes what it says to systemd: it waits for a reader."""
        end = time.monotonic() + seconds
        while select.select([self.notify], [], [], max(0, end - time.monotonic()))[0]:
            self.notify.recv(512)

    def wait_word(self, word):
        """The next datagram with this word to systemd."""
        while self.notify.recv(512).decode().strip() != word:
            pass


@pytest.fixture(name="daemon")
def fixture_daemon():
    """In a folder whose parents nobody else may write to, as coldmxd demands."""
    with tempfile.TemporaryDirectory(prefix="coldmx-test-daemon-") as folder:
        made = Daemon(pathlib.Path(folder))
        yield made
        made.notify.close()


def test_it_speaks_to_systemd_and_ends_cleanly(daemon):
    assert daemon.run("--init").returncode == 0
    process = daemon.start()
    daemon.wait_word("WATCHDOG=1")
    process.send_signal(signal.SIGTERM)
    daemon.wait_word("STOPPING=1")
    _, said = process.communicate(timeout=30)
    assert process.returncode == 0, said
    assert all(re.match(r"<[0-7]>", line) for line in said.splitlines()), said  # journald's priorities


def test_a_second_one_is_refused_by_name(daemon):
    assert daemon.run("--init").returncode == 0
    process = daemon.start()
    try:
        second = daemon.run()
        assert second.returncode == 1 and "another coldmxd listens on" in second.stderr
        daemon.conf.write_text(daemon.conf.read_text().replace("coldmxd.sock", "other.sock"))
        second = daemon.run()
        assert second.returncode == 1 and "another process uses it, a second coldmxd" in second.stderr
        assert process.poll() is None
    finally:
        process.terminate()
        process.communicate(timeout=30)


def _beats(daemon, body, seconds):
    """How often the heartbeat hook ran in these seconds, and what it was told last."""
    path = daemon.folder / "beats"
    path.write_text("")
    (daemon.folder / "beat").write_text(f"#!/bin/sh\n{body}\n")
    daemon.listen(seconds)
    return path.read_text().splitlines()


def test_the_heartbeat_stops_with_the_loop(daemon):
    """An outside watcher misses it; a hook that fails or hangs is told, and stops nothing else."""
    daemon.conf.write_text(daemon.conf.read_text().replace('heartbeat_every = "1 min"', 'heartbeat_every = "1 s"'))
    assert daemon.run("--init").returncode == 0
    process = daemon.start()
    said = f'[ "$1" = beat ] && cat >>{daemon.folder}/beats'
    try:
        beats = _beats(daemon, said, 6)
        assert 3 <= len(beats) <= 7 and {"pairs", "time"} == set(json.loads(beats[-1]))
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.5)
        assert len(_beats(daemon, said, 4)) == 0
        process.send_signal(signal.SIGCONT)
        assert len(_beats(daemon, said, 6)) >= 2
        (daemon.folder / "pager").write_text(f"#!/bin/sh\ncat >>{daemon.folder}/pages\n")
        _beats(daemon, "echo the watcher is not there >&2; exit 1", 6)
        daemon.wait_word("WATCHDOG=1")
        pages = (daemon.folder / "pages").read_text()
        assert "coldmxd: no heartbeat went out 3 times in a row: the hook failed" in pages and "not there" in pages
        _beats(daemon, "exec sleep 60", 3)
        daemon.wait_word("WATCHDOG=1")
        assert process.poll() is None
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.communicate(timeout=30)


def _damage(path):
    content = bytearray(path.read_bytes())
    content[5000:9000] = b"\xff" * 4000
    path.write_bytes(content)


def _newer(path):
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {db.execute('PRAGMA user_version').fetchone()[0] + 1}")
    db.close()


def _foreign(path):
    path.unlink()
    path.touch(0o600)
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE theirs (x)")
    db.close()


@pytest.mark.parametrize("spoil, reason", [
    (lambda path: path.unlink(), "does not exist: restore a backup, or make a new one with coldmxd --init"),
    (lambda path: path.write_bytes(b""), "is empty, which coldmx never leaves behind"),
    (lambda path: path.write_text("not a database, but long enough to look at\n" * 9), "not a sound coldmx database"),
    (_damage, "is damaged"),
    (_foreign, "is a database of another program"),
    (_newer, "was written by a newer coldmx"),
], ids=["missing", "empty", "text", "damaged", "foreign", "newer"])
def test_a_journal_that_is_not_its_own_is_refused_and_left_alone(daemon, spoil, reason):
    assert daemon.run("--init").returncode == 0
    spoil(daemon.db)
    before = daemon.db.read_bytes() if daemon.db.exists() else None
    refused = daemon.run()
    assert refused.returncode == 1 and reason in refused.stderr, refused.stderr
    assert reason in refused.stderr.splitlines()[-1]  # the last word is the reason
    assert (daemon.db.read_bytes() if daemon.db.exists() else None) == before


def test_an_error_in_the_configuration_starts_nothing(daemon):
    daemon.conf.write_text(daemon.conf.read_text().replace("grace = ", "grase = "))
    refused = daemon.run()
    assert refused.returncode == 2 and "coldmx.conf:16: unknown key" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1 and not any((daemon.folder / "run").iterdir())
