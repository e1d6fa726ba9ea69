"""The DNS driver against a real BIND 9 and a real Knot on loopback: compare-and-swap, conflict, policy, secrets, time,
lost and forged replies, every authority. Not its job: the operation around it (test_failover.py)."""

import dns_servers
import pytest
from dns_servers import NEW, OLD, OTHER, SECRET, Proxy, free_port, tool


@pytest.fixture(name="bind")
def fixture_bind(tmp_path):
    """A BIND primary at 127.0.0.1 and ::1."""
    with dns_servers.bind(tmp_path / "bind", free_port()) as server:
        yield server


@pytest.fixture(name="knot")
def fixture_knot(tmp_path):
    """A Knot primary at 127.0.0.1 and ::1."""
    with dns_servers.knot_primary(tmp_path / "knot", free_port()) as server:
        yield server


@pytest.fixture(name="primary", params=["bind", "knot"])
def fixture_primary(request):
    """What every primary must do, each in turn."""
    return request.getfixturevalue(request.param)


def swap(at, expect, want, op=7, epoch=3, ttl=300, **more):
    """One swap of example.test."""
    return tool(at, "swap", "example.test", str(op), str(epoch), str(ttl), expect, want, **more)


def get(server):
    """The facts that the driver reads."""
    return tool(server.at, "get", "example.test").stdout


def test_swap_and_back_with_marker(primary):
    """Over both families; the second time it is already done; other types stay."""
    for at in (primary.at, primary.at6):
        done = swap(at, OLD, NEW)
        assert done.returncode == 0, done.stderr
        assert "20:mx1.example.test" in get(primary) and "marker=1 op=7 epoch=3" in get(primary)
        again = swap(at, OLD, NEW)
        assert again.returncode == 0, "already there is done, not a conflict"
        back = swap(at, NEW, OLD, 8, 3)
        assert back.returncode == 0, back.stderr
    assert primary.dig("example.test", "TXT") == ['"v=spf1 mx -all"']
    assert primary.dig("example.test", "A") == ["192.0.2.80"]


def test_a_persons_change_is_a_conflict_and_stays(primary):
    """The reason shows what was found, expected and wanted."""
    primary.nsupdate("update add example.test 300 MX 5 mx9.example.test")
    done = swap(primary.at, OLD, NEW)
    assert done.returncode == 1 and done.stderr.startswith("conflict: found "), done.stderr
    assert "5 mx9.example.test" in done.stderr and "expected 10 mx1.example.test" in done.stderr
    assert "wanted 20 mx1.example.test" in done.stderr
    assert "5:mx9.example.test" in get(primary) and "marker=0" in get(primary)


def test_secrets(primary):
    """A wrong secret and an unknown key are told apart, and change nothing."""
    wrong = swap(primary.at, OLD, NEW, secret=OTHER)
    assert wrong.stderr.startswith("not-authenticated:") and "BADSIG" in wrong.stderr, wrong.stderr
    unknown = swap(primary.at, OLD, NEW, key="nobody")
    assert unknown.stderr.startswith("not-authenticated:") and "BADKEY" in unknown.stderr, unknown.stderr
    assert "10:mx1.example.test" in get(primary)


def test_sha512(primary):
    """The other algorithm."""
    done = swap(primary.at, OLD, NEW, key="coldmx512", algorithm="hmac-sha512")
    assert done.returncode == 0, done.stderr


def test_policy(primary):
    """A zone that the key may not change, and one that the server does not have. Knot says BADKEY to the first."""
    other = tool(primary.at, "swap", "other.test", "0", "3", "300", OLD, NEW)
    assert other.stderr.startswith(("denied:", "not-authenticated:")) and "other.test" in other.stderr, other.stderr
    assert primary.dig("other.test", "MX") == ["10 mx1.example.test.", "20 mx2.example.test."]
    nowhere = tool(primary.at, "swap", "nowhere.test", "0", "3", "300", OLD, NEW)
    assert nowhere.stderr.startswith("denied:"), nowhere.stderr


SHIFTS = pytest.mark.parametrize("shift,ours", [("+2h", "behind"), ("-2h", "ahead of")])


@SHIFTS
def test_skew_of_our_clock_is_told_in_seconds(primary, shift, ours):
    """BADTIME, from a server whose clock is right."""
    done = swap(primary.at, OLD, NEW, wrap=["faketime", "-f", shift])
    assert done.stderr.startswith("not-authenticated:") and "BADTIME" in done.stderr, done.stderr
    seconds = int(done.stderr.split(" clock is ")[1].split()[0])
    assert 7190 <= seconds <= 7210 and f" s {ours} ours" in done.stderr, done.stderr


def test_no_set_yet_and_never_an_empty_one(primary):
    """An empty expectation is "no MX RRset"; an empty wish is refused by name."""
    refused = swap(primary.at, OLD, "")
    assert refused.stderr.startswith("blocked:") and "empty" in refused.stderr, refused.stderr
    assert swap(primary.at, "", NEW).stderr.startswith("conflict:")
    primary.nsupdate("update delete example.test MX")
    done = swap(primary.at, "", NEW)
    assert done.returncode == 0, done.stderr
    assert "20:mx1.example.test" in get(primary)


def test_a_stale_epoch_changes_nothing(primary):
    """The marker shows a higher epoch than the swap's."""
    assert swap(primary.at, OLD, NEW, 9, 9).returncode == 0
    stale = swap(primary.at, NEW, OLD, 7, 3)
    assert stale.stderr.startswith("stale-epoch:"), stale.stderr
    assert "20:mx1.example.test" in get(primary) and "op=9 epoch=9" in get(primary)


def test_ttl_and_marker_are_put_right(primary):
    """A person published the wanted set by hand: the swap adds what is missing."""
    primary.nsupdate("update delete example.test MX", "update add example.test 60 MX 20 mx1.example.test",
                     "update add example.test 60 MX 10 mx2.example.test")
    done = swap(primary.at, OLD, NEW)
    assert done.returncode == 0, done.stderr
    assert "set=300 " in get(primary) and "marker=1 op=7" in get(primary)


def test_a_strangers_marker_changes_nothing(primary):
    """Forged, doubled or cut in strings: not believed, and replaced by compare and swap."""
    primary.nsupdate('update add _coldmx.example.test 60 TXT "coldmx1 pair=1 epoch=99 op=1 mac=00"',
                     'update add _coldmx.example.test 60 TXT "two" "strings"')
    assert "marker=0" in get(primary)
    done = swap(primary.at, OLD, NEW)
    assert done.returncode == 0, done.stderr
    assert "marker=1 op=7 epoch=3" in get(primary)


def test_a_lost_reply_is_unknown_and_reading_settles_it(primary):
    """The update is carried out, its reply swallowed: the marker tells whose it was."""
    with Proxy(primary.port, lambda answer: None) as proxy:
        done = swap(f"127.0.0.1:{proxy.port}", OLD, NEW, 9, 5)
    assert done.stderr.startswith("reply-lost:"), done.stderr
    assert "20:mx1.example.test" in get(primary) and "marker=1 op=9 epoch=5" in get(primary)


def test_a_forged_reply_is_as_good_as_lost(primary):
    """NXRRSET turned into NOERROR on the way: the MAC tells."""
    primary.nsupdate("update add example.test 300 MX 5 mx9.example.test")
    with Proxy(primary.port, lambda answer: answer[:3] + bytes([answer[3] & 0xf0]) + answer[4:]) as proxy:
        done = swap(f"127.0.0.1:{proxy.port}", OLD, NEW)
    assert done.stderr.startswith("reply-lost:") and "does not verify" in done.stderr, done.stderr


def test_the_next_server_only_when_none_connects(bind):
    """A closed port is passed over; a server that hangs is not."""
    assert swap(f"127.0.0.1:{free_port()},{bind.at}", OLD, NEW).returncode == 0
    with bind.stopped():
        done = tool(f"{bind.at},127.0.0.1:{free_port()}", "get", "example.test")
    assert done.stderr.startswith("timeout:"), done.stderr
    closed = tool(f"127.0.0.1:{free_port()}", "get", "example.test")
    assert closed.returncode == 1 and closed.stderr.startswith("refused:"), closed.stderr


def verify(server, expect, *authoritative, ttl=300, zone="example.test"):
    """Lines of dns_verify as {server: rest}."""
    out = tool(f"{server.at},{server.at6}", "verify", zone, str(ttl), expect, *authoritative)
    lines = [line.rsplit(" answered=", 1) for line in out.stdout.splitlines() if " answered=" in line]
    return {name: f"answered={rest}" for name, rest in lines}


def test_every_authority_over_both_families(tmp_path, bind):
    """BIND over v4 and v6, Knot as secondary: right, then lagging, then dead, each is listed."""
    port = free_port()
    with dns_servers.knot_secondary(tmp_path / "second", port, bind) as second:
        ns1, ns1_6, ns2 = "ns1.example.test [127.0.0.1]", "ns1.example.test [::1]", "[127.0.0.2]"
        good, bad = "answered=1 matches=1", "answered=1 matches=0"
        assert verify(bind, OLD, second.at) == {ns2: good, ns1: good, ns1_6: good}
        assert verify(bind, NEW, second.at)[ns1 + " other set"] == bad
        assert verify(bind, OLD, second.at, ttl=60)[ns1_6 + " other TTL"] == good  # said; the step decides
        with second.stopped():
            assert swap(bind.at, OLD, NEW).returncode == 0
            assert verify(bind, NEW, second.at) == {ns2: "answered=0 matches=0", ns1: good, ns1_6: good}
        second.wait_mx("20 mx1.example.test.")
        assert verify(bind, NEW, second.at)[ns2] == good
    assert verify(bind, NEW, second.at)[ns2] == "answered=0 matches=0"


def test_what_cannot_be_asked_is_listed(bind):
    """A name server outside the zone, whose address nobody tells; one that does not serve the zone."""
    facts = verify(bind, OLD, zone="outside.test")
    assert facts["ns.elsewhere.test [address unknown]"] == "answered=0 matches=0"
    facts = verify(bind, OLD, zone="nowhere.test")
    assert facts == {}, "no server is known: an error, not an empty proof"


def test_a_cut_answer_is_asked_again_over_tcp(bind):
    """Eight long names do not fit into the 512 bytes that this server sends over UDP."""
    facts = verify(bind, dns_servers.LONG_SET, zone="long.test")
    assert facts["ns1.example.test [127.0.0.1]"] == "answered=1 matches=1", facts


def test_secret_never_shows(bind):
    """Not in what the driver says."""
    done = swap(bind.at, OLD, NEW, secret=OTHER)
    assert OTHER not in done.stdout + done.stderr and SECRET not in done.stdout + done.stderr
