"""The controls that look at the running listener, against listeners of our own: sound ones, and ones that are not.

Not its job: a real Postfix (tests/lab). Errors: port 25 of 127.0.0.87 must be free; binding it takes root.
"""

import os
import pathlib
import re
import socket
import subprocess
import threading
import time

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
ADDRESS = "127.0.0.87"
KNOWN = "alice@example.test"
SOUND = rb"\r\n\.\r\n"


class Listener:
    """Just enough SMTP. `end` is what it takes for the end of a message, `relays` which recipients it should not take."""

    def __init__(self, end=SOUND, relays=(), answers_end=True, delay_s=0):
        self.end, self.relays, self.answers_end, self.delay_s = re.compile(end), relays, answers_end, delay_s
        self.socket = socket.create_server((ADDRESS, 25))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection:
                try:
                    self.talk(connection)
                except OSError:
                    pass  # the control hung up

    def talk(self, connection):
        connection.sendall(b"220 mx\r\n")
        pending, in_data = b"", False
        while True:
            match = (self.end if in_data else re.compile(rb"\r?\n")).search(pending)
            if not match:
                more = connection.recv(4096)
                if not more:
                    return
                pending += more
                continue
            line, pending = pending[:match.start()], pending[match.end():]
            if in_data:
                in_data = False
                time.sleep(self.delay_s)
                connection.sendall(b"250 2.0.0 Ok: queued as ABCDEF12\r\n" if self.answers_end else b"")
                continue
            in_data = line == b"DATA"
            connection.sendall(self.reply(line.decode("latin-1")))
            if line == b"QUIT":
                return

    def reply(self, line):
        if line == "DATA":
            return b"354 go\r\n"
        if line == "QUIT":
            return b"221 bye\r\n"
        if line.startswith("RCPT") and KNOWN not in line and not any(name in line for name in self.relays):
            return b"554 5.7.1 Relay access denied\r\n"
        return b"250 ok\r\n" if line.split(" ")[0] in ("EHLO", "MAIL", "RCPT", "NOOP") else b"502 what\r\n"


@pytest.fixture
def run(tmp_path):
    """Runs a control's verify against a listener; returns its result lines, with what it removed from the queue."""
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps/domains").write_text("example.test\n")
    (tmp_path / "maps/relay_recipients").write_text(f"{KNOWN}\tOK\n")
    for name, body in {
        "postconf": 'case $2 in inet_protocols) echo ipv4 ;; *) echo mx.example.test ;; esac',
        "ip": f"echo '1: lo    inet {ADDRESS}/8 scope global lo'",
        "postsuper": f'echo "$@" >>{tmp_path}/removed',
    }.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "COLDMX_ETC": str(tmp_path),
           "COLDMX_LIB": str(TOP / "hooks/host/lib")}

    def run_control(name, listener):
        try:
            answer = subprocess.run([TOP / "hooks/harden.d" / name, "verify"], env=env, capture_output=True, timeout=60,
                                    check=False, text=True)
        finally:
            listener.socket.shutdown(socket.SHUT_RDWR)
            listener.socket.close()
        removed = tmp_path / "removed"
        return answer.stdout, removed.read_text() if removed.exists() else ""

    return run_control


def test_a_sound_listener_passes_and_keeps_nothing(run):
    output, removed = run("51-smuggling-probe", Listener())
    assert re.search(r"^ok 1 - P3", output, re.M) and removed == "-d ABCDEF12\n", output


@pytest.mark.parametrize("end", [
    rb"\r\n\.\r\n|\n\.\n", rb"\r\n\.\r\n|\n\.\r\n", rb"\r\n\.\r\n|\r\n\.\n", rb"\r\n\.\r\n|\r\.\r", rb"\r\n\.\r\n|\r\.\r\n",
    rb"\r\n\.\r\n|\r\n\.\r", rb"\r\n\.\r\n|\n\.\r", rb"\r\n\.\r\n|\r\.\n",
], ids=repr)
def test_every_other_end_of_a_message_is_noticed(run, end):
    output, removed = run("51-smuggling-probe", Listener(end))
    assert re.search(r"^not ok 1 - P3", output, re.M) and "took a bait" in output and "-d ABCDEF12" in removed, output


def test_a_slow_listener_is_waited_for(run):
    """Silence for some seconds proves nothing: one that takes a bait may be slow to say so."""
    output, _ = run("51-smuggling-probe", Listener(rb"\n\.\r\n", delay_s=3))
    assert re.search(r"^not ok 1 - P3", output, re.M), output


def test_relay_matrix_is_one_line_an_address(run):
    output, _ = run("50-relay-matrix", Listener())
    assert "not ok" not in output and len(output.splitlines()) == 6, output


def test_relay_matrix_names_what_is_open(run):
    output, _ = run("50-relay-matrix", Listener(relays=("example.org!probe",)))
    assert "not ok 4 - M5" in output and "2 not refused, the first: <probe@example.net> to <example.org!probe>: 250 ok" in output
