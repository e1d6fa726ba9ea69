"""Whom coldmx-agent asks for the rights: controller, peer, marker, in this order, in one time; what each may change."""

import base64
import hashlib
import hmac
import http.client
import socket
import ssl
import time

import pytest

from agents import TOKEN, Controller, free_port, record, smtp, wait_for

PEER_TOKEN = "a-token-that-both-hosts-share"
SECRET = base64.b64encode(b"a TSIG secret of these tests").decode()
KEY = hmac.new(SECRET.encode(), b"coldmx marker", hashlib.sha256).hexdigest()


def marker(epoch, own="primary", accept="primary", pair="example", domain="example.test", key=KEY):
    text = f"coldmx1 pair={pair} epoch={epoch} op=5 own={own} accept={accept}"
    mac = hmac.new(bytes.fromhex(key), f"{domain} {text}".encode(), hashlib.sha256).hexdigest()[:32]
    return f"{text} mac={mac}"


@pytest.fixture
def peer(pki):
    server = Controller(pki)
    server.token = PEER_TOKEN
    yield server
    server.shutdown()
    server.server_close()


def around(agent, peer_port=None, dns_port=None, extra=""):
    """Configuration of the peer and of the marker, with time enough for a busy machine."""
    for name, text in (("peer.token", PEER_TOKEN), ("marker.key", KEY)):
        (agent.folder / name).write_text(text + "\n")
        (agent.folder / name).chmod(0o600)
    addresses = f'"127.0.0.1:{peer_port}"' if peer_port else ""
    servers = f'"127.0.0.1:{dns_port}"' if dns_port else ""
    return f"""peer = {{ addresses = ( {addresses} ); token_file = "{agent.folder}/peer.token"; ca_file = "{agent.pki}/ca.crt"; }};
marker = {{ domain = "example.test"; key_file = "{agent.folder}/marker.key"; servers = ( {servers} ); }};
{extra}"""


# ---- the gate ----

def test_the_peer_takes_a_returning_primary_forward(agent, peer):
    agent.configure(controller_port=free_port(), extra=around(agent, peer.server_port))
    for epoch, own, accept, status in ((4, "parked", "standby", 1), (5, "standby", "standby", 1),
                                       (6, "primary", "primary,standby", 0)):
        peer.record = record(epoch, own=own, accept=accept)
        said = agent.run("gate")
        assert said.returncode == status, said.stderr
        assert agent.stored() == peer.record
        assert f"the peer shows epoch {epoch}" in said.stderr and "no confirmation" in said.stderr
    assert set(peer.seen) == {("GET", "/v1/record", b"", True)}
    assert not (agent.state / "confirmed").exists()  # a peer confirms nothing


def test_a_peer_never_takes_a_host_back(agent, peer):
    agent.configure(extra=around(agent, peer.server_port))
    agent.grant(record(7))
    before = agent.stored()
    for lie, why in ((record(6, own="parked", accept="none"), None), (record(7), None), ("", None),
                     (record(7, own="parked", accept="none"), "epoch 7 is stored already with another owner"),
                     (record(8, pair="other"), "a record of pair other"), (record(8)[:-1], "truncated"),
                     ("x" * 5000, "longer than"), ("y" * 20000, "too long"), ("\0\1\n", "not printable"),
                     (record(7 + 1000001, own="parked", accept="none"), "cannot follow")):
        agent.new_boot()
        peer.record = lie
        said = agent.run("gate")
        assert said.returncode == 0 and agent.stored() == before
        assert (why is None and "peer:" not in said.stderr) or why in said.stderr
    assert agent.run("rights").stdout == "epoch=7\nholder=primary\nown=primary\naccept=primary\n"


def test_the_marker_counts_only_under_its_hmac(agent, nameserver):
    agent.configure(controller_port=free_port(), extra=around(agent, dns_port=nameserver.port))
    agent.grant(record(3))
    before = agent.stored()
    for lie, why in ((marker(9, own="parked", accept="none", key=KEY[::-1]), "not authentic"),
                     (marker(9, own="parked", accept="none", domain="other.test"), "not authentic"),
                     (marker(9, own="parked", accept="none").replace("epoch=9", "epoch=8"), "not authentic"),
                     (marker(9, own="parked", accept="none", pair="other"), "is of pair other"),
                     ("v=spf1 -all", "not authentic"), ("", None), (None, "DNS answer"),
                     (marker(2, own="parked", accept="none"), None), (marker(3), None),
                     (marker(3, own="parked", accept="none"), "another owner")):
        agent.new_boot()
        nameserver.text = lie
        said = agent.run("gate")
        assert said.returncode == 0 and agent.stored() == before, said.stderr
        assert (why is None and "marker:" not in said.stderr) or why in said.stderr
    nameserver.text = marker(9, own="parked", accept="standby")
    said = agent.run("gate")
    assert said.returncode == 1 and "the marker shows epoch 9: own=parked accept=standby" in said.stderr
    assert agent.run("rights").stdout == "epoch=9\nholder=primary\nown=parked\naccept=standby\n"
    assert set(nameserver.asked) == {"_coldmx.example.test"}
    (agent.folder / "marker.key").write_text("not a key\n")
    agent.new_boot()
    assert "must be what coldmxd --print-marker-key printed" in agent.run("gate").stderr


def test_the_highest_epoch_wins_and_a_controller_ends_the_asking(agent, controller, peer, nameserver):
    agent.configure(controller_port=controller.server_port, extra=around(agent, peer.server_port, nameserver.port))
    controller.record = record(3)
    peer.record = record(5, own="parked", accept="standby")
    nameserver.text = marker(4, own="standby", accept="standby")
    assert agent.run("gate").returncode == 0 and not peer.seen and not nameserver.asked
    controller.token = "another host's token"
    agent.new_boot()
    assert agent.run("gate").returncode == 1
    assert agent.stored() == peer.record and len(peer.seen) == 1 and len(nameserver.asked) == 1
    nameserver.text = marker(6)
    assert agent.run("gate").returncode == 0 and "epoch=6\n" in agent.stored()


def test_a_standby_with_a_right_asks_as_well(agent, peer):
    """It loses `own`; `accept` is the controller's to take, since there may be mail to be drained."""
    agent.configure(role="standby", extra=around(agent, peer.server_port))
    assert agent.run("gate").returncode == 1 and not peer.seen  # nothing to lose: it waits for its grant
    agent.grant(record(4, own="standby", accept="standby"))
    agent.new_boot()
    peer.record = record(5)
    said = agent.run("gate")
    assert said.returncode == 0 and "epoch 5 gives accept to the standby" in said.stderr
    assert agent.run("gate-own").returncode == 1
    assert agent.run("rights").stdout == "epoch=5\nholder=standby\nown=primary\naccept=primary,standby\n"
    assert agent.run("gate").returncode == 0 and "other" not in said.stderr


def test_silence_everywhere_takes_one_gate_wait(agent):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        for extra, says in (("", "gives own"), ('mode = "full"; gate_alone = "serve";', "gate_alone says serve"),
                            ('mode = "full"; gate_alone = "accept-only";', "accept only")):
            agent.configure(controller_port=port, gate_wait="1 s", extra=around(agent, port, port, extra) + agent.postconf())
            agent.grant(record(3))
            agent.new_boot()
            began = time.monotonic()
            said = agent.run("gate")
            assert said.returncode == 0 and says in said.stderr, said.stderr
            assert all(f"{what}: " in said.stderr for what in ("no confirmation", "peer", "marker"))
            assert 0.9 < time.monotonic() - began < 8


# ---- the daemon ----

def fetch(agent, path, token):
    context = ssl.create_default_context(cafile=agent.pki / "ca.crt")
    conn = http.client.HTTPSConnection("127.0.0.1", agent.port, context=context, timeout=10)
    try:
        conn.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
        answer = conn.getresponse()
        return answer.status, answer.read().decode()
    finally:
        conn.close()


def test_the_peers_token_opens_the_record_and_nothing_else(agent):
    agent.configure(extra=around(agent, free_port()))
    with agent.serving():
        assert fetch(agent, "/v1/record", PEER_TOKEN) == (204, "")
        agent.grant(record(7))
        assert fetch(agent, "/v1/record", PEER_TOKEN) == (200, record(7))  # from the disk, at once
        assert fetch(agent, "/v1/record", TOKEN) == (200, record(7))
        for path in ("/v1/health", "/v1/rights", "/", "/v1/record/"):
            assert fetch(agent, path, PEER_TOKEN)[0] == 401
        for token in (None, "", PEER_TOKEN[:-1], PEER_TOKEN + "x"):
            assert fetch(agent, "/v1/record", token)[0] == 401
    agent.configure()
    with agent.serving():
        assert fetch(agent, "/v1/record", PEER_TOKEN)[0] == 401


def test_the_daemon_drops_what_peer_and_marker_take(agent, peer, nameserver):
    agent.configure(controller_port=free_port(), extra=around(agent, peer.server_port, nameserver.port))
    peer.record = ""
    agent.grant(record(3))
    with smtp(agent), agent.serving():
        assert wait_for(lambda: agent.health()["serving"] and agent.health()["trouble"] == "")
        peer.record = record(4, own="parked", accept="none")
        assert wait_for(lambda: agent.health()["epoch"] == 4, 5) and not agent.health()["has_right"]
        assert wait_for(lambda: agent.health()["trouble"] == "listening without one")
        nameserver.text = marker(5)
        assert wait_for(lambda: agent.health()["epoch"] == 5, 5) and agent.health()["has_right"]


def test_a_controller_does_not_hide_the_peer(agent, controller, peer):
    """Somebody broke the other host's glass, and the controller does not know of it yet."""
    agent.configure(controller_port=controller.server_port, extra=around(agent, peer.server_port))
    controller.record, peer.record = record(3), record(3)
    with agent.serving():
        assert wait_for(lambda: agent.health()["epoch"] == 3)
        peer.record = record(4, own="standby", accept="primary,standby")
        assert wait_for(lambda: agent.health()["epoch"] == 4, 5)
        assert agent.ask("/v1/rights")[1]["may_own"] is False


def test_a_lie_is_said_once(agent, peer, nameserver):
    agent.configure(controller_port=free_port(), extra=around(agent, peer.server_port, nameserver.port))
    agent.grant(record(3))
    peer.record, nameserver.text = "garbage\n", "coldmx1 pair=example epoch=99 mac=0"
    with agent.serving():
        assert wait_for(lambda: len(peer.seen) > 4 and len(nameserver.asked) > 4)
        assert agent.health()["epoch"] == 3
    log = (agent.folder / "log").read_text()
    assert log.count("must be `coldmx-rights 1`") == 1 and log.count("not authentic") == 1
    assert PEER_TOKEN not in log and KEY not in log
