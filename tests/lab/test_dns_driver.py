"""The DNS driver against a real BIND 9 on loopback: compare-and-swap, conflict, policy, secrets, time, lost replies.
Not its job: the operation around it (test_failover.py). Each server is ended by its own process."""
import os
import socket
import subprocess
import threading
import time

import pytest

BUILD = os.environ.get("COLDMX_BUILD", os.path.abspath(os.path.join(os.path.dirname(__file__), "../../build/rel")))
TOOL = os.path.join(BUILD, "tests/lab/tools/dns_tool")
SECRET = "bGFiIHNlY3JldCBvZiAzMiBieXRlcyBsb25nISEhIQ=="
OTHER = "YW5vdGhlciBzZWNyZXQgb2YgMzIgYnl0ZXMgbG9uZyE="
OLD, NEW = "10:mx1.example.test 20:mx2.example.test", "20:mx1.example.test 10:mx2.example.test"

NAMED_CONF = """
options {{ directory "{dir}"; pid-file none; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 port {port} {{ ::1; }};
  recursion no; dnssec-validation no; session-keyfile none; }};
controls {{ }};
key coldmx {{ algorithm hmac-sha256; secret "{secret}"; }};
zone "example.test" {{ type primary; file "example.test.zone"; notify no;
  update-policy {{ grant coldmx name example.test. MX; grant coldmx name _coldmx.example.test. TXT; }}; }};
zone "other.test" {{ type primary; file "other.test.zone"; notify no; }};
"""
ZONE = """$TTL 300
@ SOA ns1.{name}. host.{name}. 1 3600 600 86400 300
@ NS ns1.{name}.
@ MX 10 mx1.example.test.
@ MX 20 mx2.example.test.
ns1 A 127.0.0.1
ns1 AAAA ::1
mx1 A 192.0.2.1
mx2 A 192.0.2.2
mx9 A 192.0.2.9
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for_port(port, process, limit_s=15):
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        assert process.poll() is None, "named ended: see its log"
        try:
            socket.create_connection(("127.0.0.1", port), 0.5).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("named does not listen")


@pytest.fixture()
def port(tmp_path):
    number = free_port()
    for name in ("example.test", "other.test"):
        (tmp_path / f"{name}.zone").write_text(ZONE.format(name=name))
    conf = tmp_path / "named.conf"
    conf.write_text(NAMED_CONF.format(dir=tmp_path, port=number, secret=SECRET))
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen(["named", "-g", "-n", "1", "-c", str(conf)], stdout=log, stderr=log)
    try:
        wait_for_port(number, process)
        yield number
    finally:
        process.kill()
        process.wait()


def tool(server, *args, secret=SECRET, key="coldmx", wrap=()):
    return subprocess.run([*wrap, TOOL, server, key, "hmac-sha256", secret, *args], capture_output=True, text=True,
                          timeout=30, check=False)


def test_swap_and_back_with_marker(port):
    for server in (f"127.0.0.1:{port}", f"::1:{port}"):
        done = tool(server, "swap", "example.test", "7", "3", "300", OLD, NEW)
        assert done.returncode == 0, done.stderr
        got = tool(server, "get", "example.test").stdout
        assert "20:mx1.example.test" in got and "marker=1 op=7 epoch=3" in got
        again = tool(server, "swap", "example.test", "7", "3", "300", OLD, NEW)
        assert again.returncode == 0, "already there is done, not a conflict"
        assert tool(server, "swap", "example.test", "8", "4", "300", NEW, OLD).returncode == 0


def test_a_persons_change_is_a_conflict_and_stays(port):
    edit = f"server 127.0.0.1 {port}\nzone example.test\nupdate add example.test 300 MX 5 mx9.example.test\nsend\n"
    subprocess.run(["nsupdate", "-y", f"hmac-sha256:coldmx:{SECRET}"], input=edit, text=True, check=True, timeout=20)
    done = tool(f"127.0.0.1:{port}", "swap", "example.test", "7", "3", "300", OLD, NEW)
    assert done.returncode == 1 and done.stderr.startswith("conflict:")
    assert "5:mx9.example.test" in tool(f"127.0.0.1:{port}", "get", "example.test").stdout


def test_policy_and_secrets(port):
    server = f"127.0.0.1:{port}"
    assert tool(server, "swap", "other.test", "7", "3", "300", OLD, NEW).stderr.startswith("denied:")
    wrong = tool(server, "swap", "example.test", "7", "3", "300", OLD, NEW, secret=OTHER)
    assert wrong.stderr.startswith("not-authenticated:") and "BADSIG" in wrong.stderr
    unknown = tool(server, "swap", "example.test", "7", "3", "300", OLD, NEW, key="nobody")
    assert unknown.stderr.startswith("not-authenticated:") and "BADKEY" in unknown.stderr
    assert "10:mx1.example.test" in tool(server, "get", "example.test").stdout


def test_skew_is_told_in_seconds(port):
    done = tool(f"127.0.0.1:{port}", "swap", "example.test", "7", "3", "300", OLD, NEW,
                wrap=["faketime", "-f", "+2h"])
    assert done.returncode == 1 and "BADTIME" in done.stderr and "s behind ours" in done.stderr, done.stderr


class ReplySwallower(threading.Thread):
    """A TCP proxy that passes questions on and swallows the answer to an update (opcode 5)."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.target = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def run(self):
        client, _ = self.listener.accept()
        with client, socket.create_connection(("127.0.0.1", self.target)) as server:
            while True:
                head = client.recv(2)
                if len(head) < 2:
                    return
                question = client.recv(int.from_bytes(head, "big"))
                server.sendall(head + question)
                size = server.recv(2)
                answer = server.recv(int.from_bytes(size, "big"))
                if question[2] >> 3 & 15 == 5:
                    return
                client.sendall(size + answer)


def test_a_lost_reply_is_unknown_and_reading_settles_it(port):
    proxy = ReplySwallower(port)
    proxy.start()
    done = tool(f"127.0.0.1:{proxy.port}", "swap", "example.test", "9", "5", "300", OLD, NEW)
    assert done.stderr.startswith("reply-lost:"), done.stderr
    got = tool(f"127.0.0.1:{port}", "get", "example.test").stdout
    assert "20:mx1.example.test" in got and "marker=1 op=9 epoch=5" in got


def test_verify_lists_who_is_silent_and_who_differs(port):
    dead = free_port()
    args = ["verify", "example.test", "300", OLD, f"127.0.0.1:{dead}"]
    out = tool(f"127.0.0.1:{port}", *args).stdout
    assert "[127.0.0.1] answered=1 matches=1" in out and "[::1] answered=1 matches=1" in out
    assert "answered=0 matches=0" in out
    out = tool(f"127.0.0.1:{port}", "verify", "example.test", "300", NEW).stdout
    assert "answered=1 matches=0" in out


def test_no_server_answers(port):
    del port
    done = tool(f"127.0.0.1:{free_port()}", "get", "example.test")
    assert done.returncode == 1 and done.stderr.startswith("refused:")
