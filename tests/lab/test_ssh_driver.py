"""The SSH, power, host and export drivers against a real sshd on loopback, by tools/ssh_tool."""

import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("COLDMX_BUILD", ROOT / "build" / "rel"))
TOOL = BUILD / "tests" / "lab" / "tools" / "ssh_tool"

FORCED = r"""#!/bin/bash
set -- $SSH_ORIGINAL_COMMAND
case "$1" in
hello) echo "boot_id=abc" ;;
exit) printf 'first line\nthe reason is %s\033[31m\n' "$2" >&2; exit "$2" ;;
silent) exit 4 ;;
big) head -c "$2" /dev/zero | tr '\0' x; echo done >&2 ;;
both) yes $(head -c 999 /dev/zero | tr '\0' o) | head -c 1600000 &
  yes $(head -c 999 /dev/zero | tr '\0' e) | head -c 1600000 >&2; wait ;;
sum) sha256sum | cut -d' ' -f1 ;;
echo) cat ;;
deaf) exit 0 ;;
hang) touch "$2"; exec sleep 60 ;;
chatter) exec yes ;;
killed) kill -9 $$ ;;
late) exec >&- 2>&-; sleep 0.4; exit 3 ;;
queue) head -c 3000000 /dev/zero | tr '\0' m; echo "queue id $3" ;;
harden) cat >/dev/null; echo "ok 1 - $2" ;;
machine) echo "the machine is now $2" ;;
say) shift; echo "$*" ;;
quiet) ;;
*) echo "unknown word" >&2; exit 2 ;;
esac
"""


def free_port():
    """A port that is free on both loopback addresses."""
    with socket.socket(socket.AF_INET6) as sock:
        sock.bind(("::1", 0))
        return sock.getsockname()[1]


def keygen(path, kind, *more):
    subprocess.run(["ssh-keygen", "-q", "-t", kind, *more, "-N", "", "-f", path], check=True)


def fingerprint(public):
    out = subprocess.run(["ssh-keygen", "-lf", public], check=True, capture_output=True, text=True)
    return out.stdout.split()[1]


class Sshd:
    """One sshd of the test's own, on a high port of loopback."""

    def __init__(self, folder, host_keys=("ed25519",), extra=""):
        self.dir = folder
        self.port = free_port()
        self.log = folder / "log"
        command = folder / "forced"
        command.write_text(FORCED)
        command.chmod(0o755)
        lines = []
        for kind in ("ed25519", "ecdsa"):
            keygen(folder / f"user_{kind}", kind)
            public = (folder / f"user_{kind}.pub").read_text()
            lines.append(f'restrict,command="{command}" {public}')
        (folder / "authorized").write_text("".join(lines))
        for kind in host_keys:
            keygen(folder / f"host_{kind}", kind)
        self.config = folder / "config"
        self.config.write_text(
            "".join(f"HostKey {folder}/host_{kind}\n" for kind in host_keys)
            + f"Port {self.port}\nListenAddress 127.0.0.1\nListenAddress ::1\nPidFile none\n"
            f"AuthorizedKeysFile {folder}/authorized\nStrictModes no\nUsePAM no\n"
            f"PermitRootLogin prohibit-password\nPasswordAuthentication no\nLogLevel VERBOSE\n"
            # bash, when sshd starts it, would read the tester's .bashrc
            f"SetEnv SHLVL=2\n{extra}")
        self.known = folder / "known"
        self.pin(host_keys[0])
        self.process = None
        self.start()

    def start(self):
        os.makedirs("/run/sshd", exist_ok=True)
        self.process = subprocess.Popen(
            ["/usr/sbin/sshd", "-D", "-f", self.config, "-E", self.log], stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with socket.socket(socket.AF_INET6) as sock:
                if sock.connect_ex(("::1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise RuntimeError(self.log.read_text())

    def pin(self, kind, folder=None):
        """Make one type the pinned one for both addresses."""
        public = " ".join(((folder or self.dir) / f"host_{kind}.pub").read_text().split()[:2])
        self.known.write_text(f"[127.0.0.1]:{self.port},[::1]:{self.port} {public}\n")

    def sessions(self):
        """Children of the listener: one a connection."""
        path = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text().split()]

    def logins(self):
        return self.log.read_text().count("Accepted publickey")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            for pid in self.sessions():
                os.kill(pid, signal.SIGKILL)
            self.process.kill()
        self.process.wait(timeout=10)

    def argv(self, *args, **options):
        base = {"v6": "::1", "v4": "127.0.0.1", "port": self.port,
                "identity": self.dir / "user_ed25519", "known": self.known}
        base.update(options)
        return [TOOL, *(f"{key}={value}" for key, value in base.items() if value is not None), *args]

    def run(self, *args, **options):
        """Run commands over one session; returns one answer, or the list of them."""
        done = subprocess.run(self.argv(*args, **options), capture_output=True, text=True, timeout=60,
                              check=False)
        assert done.returncode == 0, done.stderr
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(answers) == len(args)
        return answers[0] if len(args) == 1 else answers


@pytest.fixture(name="sshd")
def fixture_sshd(tmp_path):
    server = Sshd(tmp_path)
    yield server
    server.stop()


def make(tmp_path, request, **options):
    server = Sshd(tmp_path, **options)
    request.addfinalizer(server.stop)
    return server


def test_success_over_each_family(sshd):
    for options in ({}, {"v4": None}, {"v6": None}):
        answer = sshd.run("hello", **options)
        assert (answer["code"], answer["text"]) == ("ok", "boot_id=abc\n"), answer


def test_ecdsa_identity(sshd, monkeypatch):
    # libssh2 1.10 loses about 100 bytes each time it reads an ECDSA key
    monkeypatch.setenv("ASAN_OPTIONS", "detect_leaks=0")
    assert sshd.run("hello", identity=sshd.dir / "user_ecdsa")["code"] == "ok"


@pytest.mark.parametrize("status, code, cls", [
    (75, "try-again", "temp"), (2, "invalid", "perm"), (1, "failed", "perm"), (255, "failed", "perm")])
def test_exit_table(sshd, status, code, cls):
    answer = sshd.run(f"exit {status}")
    assert (answer["code"], answer["class"]) == (code, cls)
    assert answer["reason"] == f"test standby: `exit {status}` exit {status}: the reason is {status}?[31m"


def test_ends_that_are_no_success(sshd):
    killed, late, silent, unknown, fine = sshd.run("killed", "late", "silent", "frobnicate", "hello")
    assert killed["code"] == "failed" and "SIGKILL" in killed["reason"]
    assert late["code"] == "failed" and "exit 3" in late["reason"]
    assert "exit 4: it gave no reason" in silent["reason"]
    assert unknown["code"] == "invalid" and "unknown word" in unknown["reason"]
    assert fine["code"] == "ok"
    assert sshd.logins() == 1


def test_session_is_kept(sshd):
    answers = sshd.run(*["hello"] * 5)
    assert [a["code"] for a in answers] == ["ok"] * 5
    assert sshd.logins() == 1


def test_kept_session_that_died_is_opened_again(sshd):
    tool = subprocess.Popen(sshd.argv("hello", "hello", pause=1), stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True)
    assert json.loads(tool.stdout.readline())["code"] == "ok"
    for pid in sshd.sessions():
        os.kill(pid, signal.SIGKILL)
    tool.stdin.write("\n")
    tool.stdin.flush()
    assert json.loads(tool.stdout.readline())["code"] == "ok"
    assert tool.wait(timeout=10) == 0
    assert sshd.logins() == 2


def test_connection_lost_during_the_command(sshd, tmp_path):
    mark = tmp_path / "begun"
    tool = subprocess.Popen(sshd.argv(f"hang {mark}"), stdout=subprocess.PIPE, text=True)
    wait_for(mark.exists)
    for pid in sshd.sessions():
        os.kill(pid, signal.SIGKILL)
    answer = json.loads(tool.communicate(timeout=10)[0])
    assert (answer["code"], answer["class"]) == ("reply-lost", "temp")


def wait_for(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_changed_host_key_is_refused_with_both_fingerprints(sshd, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    keygen(other / "host_ed25519", "ed25519")
    before = sshd.known.read_text()
    sshd.pin("ed25519", other)
    answer = sshd.run("hello")
    assert (answer["code"], answer["class"]) == ("not-authenticated", "perm")
    assert "test standby" in answer["reason"] and f"[::1]:{sshd.port}" in answer["reason"]
    assert fingerprint(other / "host_ed25519.pub") in answer["reason"]
    assert fingerprint(sshd.dir / "host_ed25519.pub") in answer["reason"]
    assert sshd.known.read_text() != before and sshd.logins() == 0


def test_unknown_host_key_is_refused_and_never_learned(sshd):
    sshd.known.write_text("# nothing is known\n")
    answer = sshd.run("hello")
    assert answer["code"] == "not-authenticated"
    assert f"no host key is pinned for [::1]:{sshd.port}" in answer["reason"]
    assert fingerprint(sshd.dir / "host_ed25519.pub") in answer["reason"]
    assert sshd.known.read_text() == "# nothing is known\n" and sshd.logins() == 0


def test_known_hosts_missing(sshd):
    sshd.known.unlink()
    answer = sshd.run("hello")
    assert answer["code"] == "not-authenticated" and str(sshd.known) in answer["reason"]


def test_pinned_type_decides_which_key_is_asked(tmp_path, request):
    sshd = make(tmp_path, request, host_keys=("ed25519", "ecdsa"))
    assert sshd.run("hello")["code"] == "ok"
    sshd.pin("ecdsa")
    assert sshd.run("hello")["code"] == "ok"
    both = sshd.known.read_text()
    sshd.pin("ed25519")
    sshd.known.write_text(both + sshd.known.read_text())
    assert sshd.run("hello")["code"] == "ok"


def test_rsa_host_key_alone_is_refused_clearly(tmp_path, request):
    sshd = make(tmp_path, request, host_keys=("rsa", "ed25519"))
    answer = sshd.run("hello")
    assert answer["code"] == "not-authenticated" and "neither ed25519 nor ECDSA" in answer["reason"]


def test_pinned_type_that_is_not_offered(tmp_path, request):
    sshd = make(tmp_path, request, host_keys=("ecdsa",))
    other = tmp_path / "other"
    other.mkdir()
    keygen(other / "host_ed25519", "ed25519")
    sshd.pin("ed25519", other)
    answer = sshd.run("hello")
    assert (answer["code"], answer["class"]) == ("protocol", "perm")
    assert "a host key of the pinned type" in answer["reason"]


def test_marker_in_known_hosts_is_not_passed_over(sshd):
    sshd.known.write_text("@revoked * " + " ".join(
        (sshd.dir / "host_ed25519.pub").read_text().split()[:2]) + "\n" + sshd.known.read_text())
    answer = sshd.run("hello")
    assert answer["code"] == "not-authenticated" and "@revoked" in answer["reason"]


def test_rsa_identity_is_refused_before_connecting(sshd):
    for name, form in (("new", ()), ("old", ("-m", "PEM"))):
        keygen(sshd.dir / name, "rsa", "-b", "2048", *form)
        answer = sshd.run("hello", identity=sshd.dir / name)
        assert answer["code"] == "not-authenticated"
        assert "RSA" in answer["reason"] or "ssh-rsa" in answer["reason"]
        assert "make an ed25519 key" in answer["reason"]


def test_identity_with_passphrase_or_readable_by_others(sshd):
    locked = sshd.dir / "locked"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", locked], check=True)
    assert "passphrase" in sshd.run("hello", identity=locked)["reason"]
    bare = sshd.dir / "bare"
    shutil.copy(sshd.dir / "user_ed25519", bare)
    bare.chmod(0o644)
    answer = sshd.run("hello", identity=bare)
    assert answer["code"] == "not-authenticated" and str(bare) in answer["reason"]


def test_key_that_is_not_authorized(sshd):
    keygen(sshd.dir / "stranger", "ed25519")
    answer = sshd.run("hello", identity=sshd.dir / "stranger")
    assert (answer["code"], answer["class"]) == ("not-authenticated", "perm")
    assert "not accepted for user root" in answer["reason"]


def test_hung_sshd_is_bounded_by_the_deadline(sshd):
    sshd.process.send_signal(signal.SIGSTOP)
    answer = sshd.run("hello", within_ms=800)
    assert (answer["code"], answer["class"]) == ("timeout", "temp")
    assert 700 <= answer["took_ms"] < 1200
    sshd.process.send_signal(signal.SIGCONT)


def test_hung_family_leaves_time_for_the_other(sshd):
    with socket.socket(socket.AF_INET6) as silent:
        silent.bind(("::1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        # the same port must answer on v4: a forwarder to the sshd
        with socket.socket() as front:
            front.bind(("127.0.0.1", port))
            front.listen()
            forward(front, sshd.port)
            public = " ".join((sshd.dir / "host_ed25519.pub").read_text().split()[:2])
            sshd.known.write_text(f"[127.0.0.1]:{port},[::1]:{port} {public}\n")
            answer = sshd.run("hello", port=port, within_ms=4000)
    assert answer["code"] == "ok" and 1900 <= answer["took_ms"] < 4000


def forward(front, port):
    """Carry one connection to `port` of 127.0.0.1, in the background."""
    def carry(source, sink):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)

    def serve():
        near = front.accept()[0]
        far = socket.create_connection(("127.0.0.1", port))
        threading.Thread(target=carry, args=(near, far), daemon=True).start()
        carry(far, near)

    threading.Thread(target=serve, daemon=True).start()


def test_hang_within_the_session(sshd, tmp_path):
    answer = sshd.run(f"hang {tmp_path / 'a'}", within_ms=1200)
    assert answer["code"] == "timeout" and answer["took_ms"] < 1700
    answer = sshd.run("chatter", within_ms=1200)
    assert answer["code"] == "timeout" and answer["took_ms"] < 1700


def test_cancel_wakes_at_once(sshd, tmp_path):
    for words in (f"hang {tmp_path / 'b'}", "chatter"):
        answer = sshd.run(words, within_ms=30000, cancel_ms=1000)
        assert answer["code"] == "cancelled" and 900 <= answer["took_ms"] < 1400, answer
    sshd.process.send_signal(signal.SIGSTOP)
    answer = sshd.run("hello", within_ms=30000, cancel_ms=300)
    assert answer["code"] == "cancelled" and answer["took_ms"] < 700


def test_refused_and_handshake_cut_short(sshd):
    with socket.socket() as lone:
        lone.bind(("127.0.0.1", 0))
        port = lone.getsockname()[1]
        answer = sshd.run("hello", port=port, v6=None)
        assert (answer["code"], answer["class"]) == ("refused", "temp")
        lone.listen()

        def serve():
            for banner in (b"", b"SSH-2.0-OpenSSH_9.2p1\r\n"):
                peer = lone.accept()[0]
                peer.sendall(banner)
                peer.recv(4096)
                peer.close()

        threading.Thread(target=serve, daemon=True).start()
        for _ in range(2):
            answer = sshd.run("hello", port=port, v6=None)
            assert (answer["code"], answer["class"]) == ("refused", "temp"), answer


def test_hardened_sshd(tmp_path, request):
    sshd = make(tmp_path, request, extra="Ciphers aes256-ctr\nMACs hmac-sha2-512\n"
                "KexAlgorithms curve25519-sha256\n")
    assert sshd.run("hello")["code"] == "ok"


def test_sshd_hardened_too_far_is_named(tmp_path, request):
    sshd = make(tmp_path, request, extra="Ciphers aes256-gcm@openssh.com\n"
                "MACs hmac-sha2-512-etm@openssh.com\n")
    answer = sshd.run("hello")
    assert (answer["code"], answer["class"]) == ("protocol", "perm")
    assert "aes256-ctr" in answer["reason"] and "hmac-sha2-512" in answer["reason"]


def test_output_is_capped(sshd):
    answer = sshd.run("big 5000000")
    assert answer["code"] == "ok" and answer["len"] == 8191
    answer = sshd.run("big 5000000", whole=1)
    assert answer["code"] == "failed" and "more than 8191 bytes" in answer["reason"]
    answer = sshd.run("big 5000000", out_max=6000000)
    assert answer["code"] == "ok" and answer["len"] == 5000000
    answer = sshd.run("both", out_max=6000000)
    assert answer["code"] == "ok" and answer["len"] == 1600000


def test_input_is_uploaded(sshd, tmp_path):
    content = os.urandom(9_000_000)
    (tmp_path / "input").write_bytes(content)
    summed, deaf, again = sshd.run("sum", "deaf", "hello", input=tmp_path / "input")
    assert summed["text"].strip() == hashlib.sha256(content).hexdigest()
    assert deaf["code"] == "ok" and again["code"] == "ok"
    echoed = sshd.run("echo", input=tmp_path / "input", out_max=10_000_000)
    assert echoed["code"] == "ok" and echoed["len"] == len(content)
    assert sshd.run("sum")["text"].strip() == hashlib.sha256(b"").hexdigest()


@pytest.mark.parametrize("words, state", [
    ("machine on", "on"), ("machine off", "off"), ("say it is  on", "on"), ("say on fire", "unknown"),
    ("say ON", "on"), ("say neon", "unknown"), ("quiet", "unknown"), ("exit 1", "unknown"),
    ("big 100000", "unknown")])
def test_power_status_believes_only_the_last_word(sshd, words, state):
    assert sshd.run(words, verb="power")["text"] == state


def test_power_on_promises_nothing(sshd):
    answer = sshd.run("on", verb="power")
    assert (answer["code"], answer["text"]) == ("ok", "unknown")


def test_export_is_kept_and_hashed(sshd, tmp_path):
    stranded = tmp_path / "stranded"
    answer = sshd.run("4XyZabc", verb="export", stranded=stranded)
    path = stranded / "mail-a" / "7-4XyZabc.eml"
    content = path.read_bytes()
    assert content.startswith(b"mmm") and content.endswith(b"queue id 4XyZabc\n")
    assert answer["text"] == hashlib.sha256(content).hexdigest()
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["7-4XyZabc.eml"]
    assert sshd.run("4XyZabc", verb="export", stranded=stranded)["text"] == answer["text"]


def test_export_refuses_what_is_no_queue_id(sshd, tmp_path):
    stranded = tmp_path / "stranded"
    for name in ("../../evil", "a b", "", "-x"):
        answer = sshd.run(name, verb="export", stranded=stranded)
        assert answer["code"] == "invalid"
    assert not stranded.exists() and sshd.logins() == 0


def test_host_run_sends_only_owned_controls(sshd, tmp_path):
    harden = tmp_path / "harden.d"
    harden.mkdir(mode=0o755)
    control = harden / "10-x"
    control.write_text("#!/bin/sh\n")
    control.chmod(0o755)
    answer = sshd.run("harden 10-x apply", verb="host", harden=harden, control="10-x")
    assert answer["text"] == "ok 1 - 10-x\n", answer
    control.chmod(0o775)
    answer = sshd.run("harden 10-x apply", verb="host", harden=harden, control="10-x")
    assert answer["code"] == "denied" and str(control) in answer["reason"]
    control.chmod(0o755)
    harden.chmod(0o777)
    answer = sshd.run("harden 10-x apply", verb="host", harden=harden, control="10-x")
    assert answer["code"] == "denied" and f"{harden}: refused" in answer["reason"]
    harden.chmod(0o755)
    assert sshd.run("hello; id", verb="host")["code"] == "invalid"
    assert sshd.run("hello", verb="host", harden=harden, control="../10-x")["code"] == "invalid"
