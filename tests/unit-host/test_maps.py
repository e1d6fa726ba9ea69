"""The map bundle: what is accepted, which line an error names, and that a failed bundle leaves the old maps."""

import hashlib
import os

import pytest

BODY = (
    "coldmx-maps 1 example\n[domains]\nexample.org\tok\nSecond.org\tok\n[recipients]\nalice@example.org\tok\n"
    '"john doe"@example.org\tok\n@second.org\tok\n[aliases]\nsales@example.org\talice@example.org\n[transport]\nexample.org\tlmtp:x\n'
)


def seal(body):
    data = body.encode() if isinstance(body, str) else body
    return data + b"sha256 " + hashlib.sha256(data).hexdigest().encode() + b"\n"


@pytest.fixture
def standby(host):
    (host.etc / "host.conf").write_text("PAIR=example\nPRIMARY4=192.0.2.30\nPRIMARY6=2001:db8::30\n")
    host.program("postconf", 'case "$*" in *default_database_type*) echo hash ;; "-d mydestination") echo x ;; *mydestination*) echo "${LOCAL-localhost}" ;; esac')
    host.program("postmap", ': >"${1#*:}.db"')
    host.program("postfix", "exit 1")
    host.program("chgrp")
    return host


def test_good_bundle(standby):
    answer = standby.root("maps", "put", stdin=seal(BODY))
    digest = hashlib.sha256(BODY.encode()).hexdigest()
    assert answer.stdout.decode() == f"sha256={digest}\ndomains=2\nrecipients=4\n", answer.stderr
    assert standby.root("maps", "status").stdout.decode() == f"sha256={digest}\n"
    maps = standby.etc / "maps"
    assert (maps / "relay_recipients").read_text().split("\tcoldmx\n")[:-1] == [
        "alice@example.org", '"john doe"@example.org', "@second.org", "sales@example.org"]
    assert (maps / "transport").read_text().splitlines() == [
        f"{name}\trelay:[192.0.2.30]:25, [ipv6:2001:db8::30]:25" for name in ("example.org", "second.org")]
    assert (maps / "bundle").read_bytes() == seal(BODY)


def test_put_twice_keeps_one_folder(standby):
    for _ in range(2):
        assert standby.root("maps", "put", stdin=seal(BODY)).returncode == 0
    assert len(list((standby.etc / "maps.d").iterdir())) == 1


BROKEN = [
    (BODY.replace("coldmx-maps 1", "coldmx-maps 2"), 1), (BODY.replace(" example\n", " other\n", 1), 1), ("x\n", 1),
    (BODY.replace("[domains]\n", "[domain]\n"), 2), (BODY.replace("[domains]\n", ""), 2),
    (BODY.replace("example.org\tok\n", "example.org ok\n", 1), 3), (BODY.replace("example.org\tok\n", "example.org\t\n", 1), 3),
    (BODY.replace("example.org\tok\n", "exa mple.org\tok\n", 1), 3), (BODY.replace("Second.org", "example.ORG"), 4),
    (BODY.replace("Second.org", "second..org"), 4), (BODY.replace("Second.org", "../../x"), 4),
    (BODY.replace("alice@example.org\tok", "alice@other.org\tok"), 6), (BODY.replace("alice@example.org\tok", "alice\tok"), 6),
    (BODY.replace("alice@example.org\tok", "a b@example.org\tok"), 6), (BODY.replace("alice@example.org\tok", "#a@example.org\tok"), 6),
    (BODY.replace("alice@example.org\tok", "a\tb\tok"), 6), (BODY.replace("@second.org\tok", "ALICE@example.org\tok"), 8),
    (BODY.replace("[aliases]", "[recipients]"), 9), (BODY.replace("[transport]", "[users]"), 11),
    (BODY.replace("alice@", "al\x01ice@", 1), 6), (BODY.replace("alice@", "al\x00ice@", 1), 6), (BODY.replace("lmtp:x", "x" * 4096), 12),
    (BODY + "sha256 0\n", 14), (BODY.replace("\n", "\r\n"), 1),
]


@pytest.mark.parametrize("body, line", BROKEN)
def test_broken_bundle_names_its_line(standby, body, line):
    assert standby.root("maps", "put", stdin=seal(BODY)).returncode == 0
    before = os.readlink(standby.etc / "maps")
    answer = standby.root("maps", "put", stdin=seal(body))
    assert answer.returncode == 1
    assert answer.stderr.decode().startswith(f"failed: map bundle line {line}: "), answer.stderr
    assert answer.stderr.count(b"\n") == 1
    assert os.readlink(standby.etc / "maps") == before and len(list((standby.etc / "maps.d").iterdir())) == 1


@pytest.mark.parametrize("cut", [0, 1, 10, 30, 100, 200, len(seal(BODY)) - 66, len(seal(BODY)) - 2])
def test_truncated_bundle_installs_nothing(standby, cut):
    answer = standby.root("maps", "put", stdin=seal(BODY)[:cut])
    assert answer.returncode == 1 and answer.stderr.startswith(b"failed: map bundle line ")
    assert not (standby.etc / "maps").exists()


def test_changed_byte(standby):
    answer = standby.root("maps", "put", stdin=seal(BODY).replace(b"alice", b"alicf", 1))
    assert b"sha256 is not that of the lines above" in answer.stderr


def test_size_limit(standby):
    answer = standby.root("maps", "put", stdin=b"x" * 16777217)
    assert answer.returncode == 1 and b"longer than 16777216 bytes" in answer.stderr


def test_empty_recipients(standby):
    answer = standby.root("maps", "put", stdin=seal("coldmx-maps 1 example\n[domains]\nexample.org\tok\n[recipients]\n"))
    assert b"no recipients" in answer.stderr


def test_a_local_domain_is_refused(standby):
    standby.program("postconf", 'case "$*" in *default_database_type*) echo hash ;; *mydestination*) echo example.org ;; esac')
    answer = standby.root("maps", "put", stdin=seal(BODY))
    assert answer.returncode == 1 and b"example.org stands in mydestination" in answer.stderr
    assert not (standby.etc / "maps").exists()


def test_no_primary_no_maps(standby):
    (standby.etc / "host.conf").write_text("PAIR=example\n")
    assert b"PRIMARY4" in standby.root("maps", "put", stdin=seal(BODY)).stderr
