"""Name servers for the DNS driver's tests: BIND and Knot as plain processes on high ports of loopback, and a proxy that
spoils replies. Each is ended by its own process. Programs run from copies: a security profile of the machine that names
the installed path would keep them out of the test's folder."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

BUILD = os.environ.get("COLDMX_BUILD", os.path.join(os.path.dirname(__file__), "../../build/rel"))
TOOL = os.path.join(os.path.abspath(BUILD), "tests/lab/tools/dns_tool")
SECRET = "bGFiIHNlY3JldCBvZiAzMiBieXRlcyBsb25nISEhIQ=="
OTHER = "YW5vdGhlciBzZWNyZXQgb2YgMzIgYnl0ZXMgbG9uZyE="
OLD, NEW = "10:mx1.example.test 20:mx2.example.test", "20:mx1.example.test 10:mx2.example.test"
LONG_TARGETS = [f"{c * 60}.{c * 20}.test" for c in "abcdefgh"]
LONG_SET = " ".join(f"10:{target}" for target in LONG_TARGETS)
KEYS = (("coldmx", "hmac-sha256"), ("coldmx512", "hmac-sha512"))
READY_S = 20

NAMED_CONF = """
options {{ directory "{dir}"; pid-file none; listen-on port {port} {{ 127.0.0.1; }};
  listen-on-v6 port {port} {{ ::1; }}; recursion no; dnssec-validation no; session-keyfile none; lock-file none;
  max-udp-size 512; notify explicit; also-notify {{ 127.0.0.2 port {port}; }}; }};
controls {{ }};
{keys}
zone "example.test" {{ type primary; file "example.test.zone"; update-policy {{ {grants} }}; }};
zone "other.test" {{ type primary; file "other.test.zone"; }};
zone "outside.test" {{ type primary; file "outside.test.zone"; }};
zone "long.test" {{ type primary; file "long.test.zone"; }};
"""
KNOT_CONF = """
server:
    listen: [ {listen} ]
    rundir: "{dir}"
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: "{dir}"
log:
  - target: stderr
    any: info
"""
KNOT_PRIMARY = """
acl:
  - id: update
    key: [ coldmx, coldmx512 ]
    action: update
    update-type: [ MX, TXT ]
    update-owner: name
    update-owner-match: equal
    update-owner-name: [ example.test., _coldmx.example.test. ]
zone:
  - domain: example.test
    storage: "{dir}"
    file: example.test.zone
    acl: update
  - domain: other.test
    storage: "{dir}"
    file: other.test.zone
"""
KNOT_SECONDARY = """
remote:
  - id: primary
    address: 127.0.0.1@{primary}
acl:
  - id: notify
    address: 127.0.0.1
    action: notify
zone:
  - domain: example.test
    storage: "{dir}"
    master: primary
    acl: notify
"""
HEAD = "$TTL 300\n@ SOA ns1.example.test. host.example.test. 1 1 1 86400 300\n"
# BIND refuses an update whose MX targets inside the zone have no address.
ZONE = HEAD + """@ NS ns1.{name}.
@ MX 10 mx1.example.test.
@ MX 20 mx2.example.test.
@ A 192.0.2.80
@ TXT "v=spf1 mx -all"
ns1 A 127.0.0.1
ns1 AAAA ::1
mx1 A 192.0.2.1
mx2 A 192.0.2.2
mx9 A 192.0.2.9
"""


def free_port():
    """A port that nobody listens on, TCP or UDP."""
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        tcp.bind(("127.0.0.1", 0))
        udp.bind(("127.0.0.1", tcp.getsockname()[1]))
        return tcp.getsockname()[1]


def tool(at, *args, secret=SECRET, key="coldmx", algorithm="hmac-sha256", wrap=()):
    """Runs the driver; in `wrap`, a sanitizer bears libfaketime before it."""
    with tempfile.NamedTemporaryFile("w") as secret_file:
        secret_file.write(secret + "\n")
        secret_file.flush()
        return subprocess.run([*wrap, TOOL, at, key, algorithm, secret_file.name, *args], capture_output=True,
                              text=True, timeout=30, check=False,
                              env={**os.environ, "ASAN_OPTIONS": "verify_asan_link_order=0"})


class Server:
    """One running name server."""

    def __init__(self, process, folder, addr, port):
        self.process, self.folder, self.addr, self.port = process, folder, addr, port
        self.at, self.at6 = f"{addr}:{port}", f"::1:{port}"

    def dig(self, name, kind):
        """Answer lines, sorted."""
        out = subprocess.run(["dig", f"@{self.addr}", "-p", str(self.port), "+short", "+time=1", "+tries=1", name,
                              kind], capture_output=True, text=True, timeout=10, check=False).stdout
        return sorted(line for line in out.splitlines() if not line.startswith(";"))

    def nsupdate(self, *lines):
        """What a person types."""
        key = self.folder / "person.key"
        key.write_text(f'key "coldmx" {{ algorithm hmac-sha256; secret "{SECRET}"; }};\n')
        text = "\n".join([f"server {self.addr} {self.port}", "zone example.test", *lines, "send", ""])
        subprocess.run(["nsupdate", "-t", "10", "-v", "-k", str(key)], input=text, text=True, check=True, timeout=20)

    def wait_mx(self, line):
        """Until this server shows it."""
        end = time.monotonic() + READY_S
        while line not in self.dig("example.test", "MX"):
            assert time.monotonic() < end, f"{line} is not seen: {self.log()}"
            time.sleep(0.05)

    def log(self):
        """Its last words."""
        return (self.folder / "log").read_text(errors="replace")[-2000:]

    @contextlib.contextmanager
    def stopped(self):
        """Hung: it listens and says nothing."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)


@contextlib.contextmanager
def _running(folder, argv, addr, port):
    program = folder / os.path.basename(argv[0])
    shutil.copy(argv[0], program)
    with open(folder / "log", "wb") as log:
        with subprocess.Popen([str(program), *argv[1:]], stdout=log, stderr=log,
                              start_new_session=True) as process:
            server = Server(process, folder, addr, port)
            try:
                end = time.monotonic() + READY_S
                while not server.dig("example.test", "SOA"):
                    assert process.poll() is None and time.monotonic() < end, server.log()
                    time.sleep(0.05)
                yield server
            finally:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _write_zones(folder):
    folder.mkdir()
    for name in ("example.test", "other.test"):
        (folder / f"{name}.zone").write_text(ZONE.format(name=name))
    (folder / "outside.test.zone").write_text(
        HEAD + "@ NS ns1.example.test.\n@ NS ns.elsewhere.test.\n@ MX 10 mx1.example.test.\n"
        "@ MX 20 mx2.example.test.\n")
    (folder / "long.test.zone").write_text(
        HEAD + "@ NS ns1.example.test.\n" + "".join(f"@ MX 10 {target}.\n" for target in LONG_TARGETS))


def _knot_keys():
    rows = [f"  - id: {name}\n    algorithm: {algorithm}\n    secret: {SECRET}\n" for name, algorithm in KEYS]
    return "key:\n" + "".join(rows)


def bind(folder, port):
    """A BIND primary at 127.0.0.1 and ::1 that sends at most 512 bytes over UDP."""
    _write_zones(folder)
    keys = "".join(f'key {name} {{ algorithm {algorithm}; secret "{SECRET}"; }};\n' for name, algorithm in KEYS)
    grants = "".join(f"grant {name} name example.test. MX; grant {name} name _coldmx.example.test. TXT; "
                     for name, _ in KEYS)
    (folder / "conf").write_text(NAMED_CONF.format(dir=folder, port=port, keys=keys, grants=grants))
    argv = ["/usr/sbin/named", "-g", "-n", "1", "-c", str(folder / "conf")]
    return _running(folder, argv, "127.0.0.1", port)


def knot_primary(folder, port):
    """A Knot primary at 127.0.0.1 and ::1."""
    _write_zones(folder)
    conf = KNOT_CONF + _knot_keys() + KNOT_PRIMARY
    (folder / "conf").write_text(conf.format(dir=folder, listen=f'"127.0.0.1@{port}", "::1@{port}"'))
    return _running(folder, ["/usr/sbin/knotd", "-c", str(folder / "conf")], "127.0.0.1", port)


def knot_secondary(folder, port, primary):
    """A Knot secondary at 127.0.0.2 that asks its primary each second."""
    folder.mkdir()
    (folder / "conf").write_text((KNOT_CONF + KNOT_SECONDARY).format(
        dir=folder, listen=f'"127.0.0.2@{port}"', primary=primary.port))
    return _running(folder, ["/usr/sbin/knotd", "-c", str(folder / "conf")], "127.0.0.2", port)


class Proxy(threading.Thread):
    """TCP to a name server, one connection; `spoil` makes what is answered to an update: other bytes, or None = the
    connection is closed instead."""

    def __init__(self, port, spoil):
        super().__init__(daemon=True)
        self.target, self.spoil = port, spoil
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.join(10)
        self.listener.close()

    @staticmethod
    def _message(sock):
        head = sock.recv(2, socket.MSG_WAITALL)
        return sock.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL) if len(head) == 2 else None

    def run(self):
        client, _ = self.listener.accept()
        with client, socket.create_connection(("127.0.0.1", self.target)) as server:
            while question := self._message(client):
                server.sendall(len(question).to_bytes(2, "big") + question)
                answer = self._message(server)
                if question[2] >> 3 & 15 == 5:
                    answer = self.spoil(answer)
                if not answer:
                    return
                client.sendall(len(answer).to_bytes(2, "big") + answer)
