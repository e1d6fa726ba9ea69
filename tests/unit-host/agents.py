"""For the tests of coldmx-agent as it is built: the agent on a state folder of the test's own, and what it talks to: a
controller (or a peer), a name server, a mail system that only greets. All on loopback, under a test CA.

Not its job: real systemd and Postfix (tests/lab). Errors: without a build (COLDMX_BUILD, build/rel) every test fails.
"""

import contextlib
import http.client
import http.server
import json
import os
import pathlib
import socket
import socketserver
import ssl
import subprocess
import threading
import time

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
AGENT = pathlib.Path(os.environ.get("COLDMX_BUILD", TOP / "build/rel")) / "coldmx-agent"
BOOT_ID = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()
TOKEN = "an-agent-token-of-the-tests"
NONCE = "nonce-0001"


def record(epoch, own="primary", accept="primary", pair="example", issued=1790000000000):
    return f"coldmx-rights 1\npair={pair}\nepoch={epoch}\nown={own}\naccept={accept}\nissued_ms={issued}\n"


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pki")

    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    for name in ("ca", "other"):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                "-keyout", f"{name}.key", "-out", f"{name}.crt", "-days", "2")
    (folder / "ext").write_text("subjectAltName=IP:127.0.0.1,DNS:ctl.example.test\n")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=host",
            "-keyout", "host.key", "-out", "host.csr")
    openssl("x509", "-req", "-in", "host.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", "ext", "-out", "host.crt")
    (folder / "host.key").chmod(0o600)
    return folder


class Controller(http.server.ThreadingHTTPServer):
    """What answers at agent_listen: one record, and everything that it was told."""

    def __init__(self, pki):
        super().__init__(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pki / "host.crt", pki / "host.key")
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.record, self.seen, self.token = record(1), [], TOKEN
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        pass


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        entitled = self.headers.get("Authorization") == f"Bearer {self.server.token}"
        self.server.seen.append((self.command, self.path, body, entitled))
        told = self.server.record.encode() if self.command == "GET" else b""
        self.send_response(401 if not entitled else 200 if told or self.command != "GET" else 204)
        self.end_headers()
        self.wfile.write(told if entitled else b"")

    do_GET = do_POST = do_PUT = answer

    def log_message(self, *args):
        pass


@pytest.fixture
def controller(pki):
    server = Controller(pki)
    yield server
    server.shutdown()
    server.server_close()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


class Agent:
    def __init__(self, folder, pki):
        self.folder, self.pki, self.port = folder, pki, free_port()
        self.state = folder / "state"
        (folder / "token").write_text(TOKEN + "\n")
        (folder / "token").chmod(0o600)
        self.smtp_port = free_port()
        self.configure()

    def configure(self, role="primary", extra="", controller_port=None, gate_wait="10 s"):
        controllers = f'controllers = ( "127.0.0.1:{controller_port}" );' if controller_port else ""
        (self.folder / "agent.conf").write_text(f"""
pair = "example"; role = "{role}"; state_dir = "{self.state}"; {controllers}
listen = ( "127.0.0.1:{self.port}" ); cert = "{self.pki}/host.crt"; key = "{self.pki}/host.key";
ca_file = "{self.pki}/ca.crt"; token_file = "{self.folder}/token"; smtp = "127.0.0.1:{self.smtp_port}";
spool = "{self.folder}"; poll = "500 ms"; check_every = "500 ms"; trouble_after = "0 ms"; gate_wait = "{gate_wait}";
systemctl = "{self.folder}/systemctl";
{extra}
""")

    def run(self, *words, stdin=""):
        return subprocess.run([AGENT, "-c", self.folder / "agent.conf", *words], input=stdin, capture_output=True,
                              text=True, timeout=60, check=False)

    def grant(self, text):
        return self.run("grant", "--record", "-", stdin=text)

    def stored(self):
        return (self.state / "rights").read_text()

    def new_boot(self):
        """As after a reboot: nobody has confirmed anything yet."""
        (self.state / "confirmed").unlink(missing_ok=True)

    def systemctl(self, active, result, dovecot=("inactive", "success")):
        path = self.folder / "systemctl"
        path.write_text(f"""#!/bin/sh
echo "$@" >>{self.folder}/said
case "$*" in
"show "*dovecot.service) printf "ActiveState={dovecot[0]}\\nResult={dovecot[1]}\\n" ;;
"show "*) printf "ActiveState={active}\\nResult={result}\\n" ;;
esac
""")
        path.chmod(0o755)
        (self.folder / "said").write_text("")

    def postconf(self, deferred=""):
        """A postconf that knows one setting, and the transports of a small master.cf."""
        (self.folder / "deferred").write_text(deferred)
        path = self.folder / "postconf"
        path.write_text(f"""#!/bin/sh
case "$*" in
"-h defer_transports") cat {self.folder}/deferred; echo ;;
-M)
    echo "smtp       inet  n - y - - smtpd"
    echo "cleanup    unix  n - y - 0 cleanup"
    echo "relay      unix  - - y - - smtp -o syslog_name=postfix/relay"
    echo "local      unix  - n n - - local"
    echo "dovecot    unix  - n n - - pipe flags=DRhu"
    ;;
"-e defer_transports="*) printf %s "${{2#*=}}" >{self.folder}/deferred ;;
*) exit 1 ;;
esac
""")
        path.chmod(0o755)
        return f'maps = {{ postconf = "{path}"; }};'

    def deferred(self):
        return (self.folder / "deferred").read_text()

    def said(self):
        return [line for line in (self.folder / "said").read_text().splitlines() if not line.startswith("show")]

    def ask(self, path, method="GET", token=TOKEN, body=None):
        context = ssl.create_default_context(cafile=self.pki / "ca.crt")
        conn = http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=10)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        with contextlib.closing(conn):
            conn.request(method, path, body=body, headers=headers)
            answer = conn.getresponse()
            return answer.status, json.loads(answer.read())

    def health(self):
        return self.ask("/v1/health")[1]

    @contextlib.contextmanager
    def serving(self):
        notify = self.folder / "notify"
        notify.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.bind(str(notify))
            s.settimeout(20)
            with open(self.folder / "log", "wb") as log:
                process = subprocess.Popen([AGENT, "-c", self.folder / "agent.conf", "serve"], stderr=log,
                                           env={**os.environ, "NOTIFY_SOCKET": str(notify)})
            try:
                assert b"READY=1" in s.recv(256)
                yield s
                process.terminate()
                assert process.wait(20) == 0, (self.folder / "log").read_text()
            finally:
                process.kill()
                process.wait()


@pytest.fixture
def agent(tmp_path, pki):
    return Agent(tmp_path, pki)


def wait_for(condition, limit_s=15):
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


@contextlib.contextmanager
def smtp(agent, greeting=b"220 mx.example.test ESMTP\r\n"):
    with socket.create_server(("127.0.0.1", agent.smtp_port)) as listener:
        def serve():
            with contextlib.suppress(OSError):
                while True:
                    conn, _ = listener.accept()
                    with conn, contextlib.suppress(OSError):
                        conn.sendall(greeting)
                        conn.recv(100)
                        conn.sendall(b"221 bye\r\n")
        threading.Thread(target=serve, daemon=True).start()
        yield
        listener.shutdown(socket.SHUT_RDWR)


class NameServer(socketserver.ThreadingTCPServer):
    """Answers every question for TXT with one string; "" = there is none, None = bytes that are no DNS."""
    allow_reuse_address = daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Questions)
        self.text, self.asked = "", []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self):
        return self.server_address[1]


class Questions(socketserver.StreamRequestHandler):
    def handle(self):
        length = self.rfile.read(2)
        message = self.rfile.read(int.from_bytes(length, "big"))
        end = message.index(0, 12) + 5
        labels, at = [], 12
        while message[at]:
            labels.append(message[at + 1:at + 1 + message[at]].decode())
            at += 1 + message[at]
        self.server.asked.append(".".join(labels))
        text = self.server.text
        if text is None:
            self.wfile.write(b"\0\x10" + b"no DNS message..")
            return
        string = bytes([len(text)]) + text.encode()
        answer = b"\xc0\x0c\0\x10\0\1\0\0\0\x3c" + len(string).to_bytes(2, "big") + string
        reply = message[:2] + b"\x84\0\0\1" + (b"\0\1" if text else b"\0\0") + b"\0\0\0\0" + message[12:end] + \
            (answer if text else b"")
        self.wfile.write(len(reply).to_bytes(2, "big") + reply)


@pytest.fixture
def nameserver():
    server = NameServer()
    yield server
    server.shutdown()
    server.server_close()
