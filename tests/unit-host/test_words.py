"""The word check: what a client may say, and that nothing else reaches sudo or a program."""

import pytest

GOOD = ["hello", "port probes 192.0.2.1 2001:db8::1", "verify-local a.b_c-d@example.org x@example.org", "maps  status"]
BAD = [
    "", "hello;id", "hello\nid", "hello\tid", "$(id)", "`id`", "port probes *", "port probes -f", "-n hello",
    "grant < /etc/passwd", "queue export ../x", "a=b", "'hello'", "\\hello", "hello | id", "h\u00e9llo", "x" * 4097,
    " ".join(["x"] * 81), "hello&", "~root", "{a,b}", "!id", "#x", "%n",
]


@pytest.mark.parametrize("line", GOOD)
def test_good_words_reach_sudo_as_arguments(host, line):
    host.program("sudo")
    assert host.ssh(line).returncode == 0
    words = "".join(f" [{word}]" for word in line.split())
    assert host.calls() == [f"sudo [-n] [/usr/lib/coldmx/coldmx-host-root]{words}"]


@pytest.mark.parametrize("line", BAD)
def test_bad_words_stop_before_sudo(host, line):
    host.program("sudo")
    answer = host.ssh(line)
    assert answer.returncode == 2
    assert answer.stderr.startswith(b"refused: ") and answer.stderr.count(b"\n") == 1
    assert host.calls() == []


UNKNOWN = [
    ["nonsense"], ["hello", "x"], ["port"], ["port", "probes"], ["port", "open"], ["port", "opens"], ["queue", "hold"],
    ["queue", "hold", "maybe"], ["queue", "remove"], ["queue", "flush", "x"], ["mail", "restart"],
    ["harden", "10-firewall"], ["harden", "10-firewall", "undo"], ["harden", "firewall", "apply"],
    ["harden", "10-firewall", "apply", "x"], ["rights", "x"], ["hello\n"], ["hello", ""], ["", "hello"],
    ["boot-order", "short"], ["boot-order", "a.b.c.d.e.f"], ["boot-order", "x" * 65],
]


@pytest.mark.parametrize("words", UNKNOWN)
def test_root_refuses_unknown_words(host, words):
    for name in ("nft", "postsuper", "postconf", "systemctl", "coldmx-agent"):
        host.program(name)
    answer = host.root(*words)
    assert answer.returncode == 2, answer.stderr
    assert answer.stderr.startswith(b"refused: ") and host.calls() == []


@pytest.mark.parametrize("name", ["ALL", "all", "aLL", "ABCDE", "../../etc", "deferred/x", "A" * 33, "-d"])
def test_remove_takes_queue_ids_only(host, name):
    host.program("postsuper")
    host.program("postcat")
    assert host.root("queue", "remove", name).returncode == 2
    assert host.calls() == []


@pytest.mark.parametrize(
    "address", ["mail.example.org", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.x", "1..2.3", ":", "a:b", ":::", "g::1", "0x7f.1.1.1"]
)
def test_probes_are_literal_addresses(host, address):
    host.program("nft")
    assert host.root("port", "probes", "192.0.2.1", address).returncode == 2
    assert host.calls() == []


def test_agent_words(host):
    host.program("coldmx-agent", 'cat >>"$LOG"; echo epoch=7')
    assert host.root("grant", stdin=b"coldmx-rights 1\n").stdout == b"epoch=7\n"
    assert host.root("boot-order", "abcdef-123").returncode == 0
    assert host.calls() == ["coldmx-agent [grant] [--record] [-]", "coldmx-rights 1", "coldmx-agent [boot-order] [abcdef-123]"]
    assert host.root("grant", stdin=b"x" * 4097).returncode == 1


@pytest.mark.parametrize("status, wanted", [(1, 1), (75, 75), (2, 1), (124, 75)])
def test_agent_status(host, status, wanted):
    host.program("coldmx-agent", f"exit {status}")
    assert host.root("rights").returncode == wanted


def test_host_conf_is_never_run(host):
    (host.etc / "host.conf").write_text("PAIR=$(touch /nowhere)\n")
    answer = host.root("harden", "10-x", "apply", stdin=b"#!/bin/sh\necho ran\n")
    assert b"ran" not in answer.stdout or b"PAIR" in answer.stderr


def test_hello_and_clock(host):
    assert [line.split(b"=")[0] for line in host.root("hello").stdout.splitlines()] == [b"boot_id", b"uptime_ms", b"host"]
    assert host.root("clock").stdout.startswith(b"unix_ms=1")
