"""Operations under faults of the things that they act on: power, SSH keys, name servers, a primary that refuses. Each
ends as it should and names the cause in words. One lab for all: what stops a promotion before anything is open, and
one promotion and failback through all that can go wrong after that."""

import contextlib
import datetime
import email
import hashlib
import smtplib
import shutil
import sqlite3

import pytest

from coldlab import failover
from coldlab.dns import ZONE
from coldlab.failover import PAIR, STANDARD, SWAPPED, wait_for
from coldlab.net import HOSTS

BY_HAND = STANDARD | {"30 ns1.example.test."}
REPLY_OF_UPDATE = "tcp sport 53 @th,288,8 & 0xf8 == 0xa8"  # after 32 bytes of TCP header, length and id: QR, opcode 5


@pytest.fixture(scope="module", name="product")
def fixture_product():
    """A lab whose primary hangs (its machine stays on), found down by a controller that waits for a person."""
    with failover.product_lab() as product:
        product.start(MODE="manual", LIMITS='boot = "20 s"; command = "9 s";')
        product.wait_ready(90)
        product.lab.machines["primary"].mail_signal("STOP")
        product.wait_state("down", timeout_s=60)
        yield product


@pytest.fixture(name="keys")
def fixture_keys(product):
    """The pinned host keys; as they were afterwards."""
    path = product.lab.known_hosts
    kept = path.read_text()
    yield path
    path.write_text(kept)


def step(product, name):
    """A step of the last operation."""
    return next(step for step in product.status()["operation"]["steps"] if step["name"] == name)


def refused_failover(product, words):
    """A failover that ends undone at power-on, and says these words to the one who asked, in status and on a page."""
    before = len(product.lab.controller.pages())
    done = product.coldmx("failover", PAIR, "--reason", "test", "--yes", timeout_s=90)
    assert done.returncode == 1, done.stdout + done.stderr
    status = product.wait_state("stuck", timeout_s=30)
    text = status["operation"]["error"]["text"]
    assert text.startswith("power-on: ") and all(word in text for word in words), text
    assert step(product, "power-on")["state"] == "undone" and step(product, "connect")["state"] == "waiting"
    assert words[0] in product.coldmx("status", PAIR).stdout
    wait_for("page", lambda: any(words[0] in page["text"] for page in product.lab.controller.pages()[before:]), 30)
    assert set(product.lab.dns.mx("ns1")) == STANDARD


def clear(product):
    """An operator takes the undone operation off the table."""
    done = product.coldmx("abort", PAIR, "--reason", "test", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    product.wait_state("down", timeout_s=30)


@pytest.mark.parametrize("fault,words", [
    ("lie", ("power-on reported done, the machine reads back as off",)),
    ("fail", ("injected fault",)),
    ("hang", ("deadline",)),
])
def test_power_that_lies_fails_or_hangs_stops_the_promotion(product, fault, words):
    """The switch says yes and does nothing; says no; says nothing. Read back, told, tried again within the limit."""
    product.lab.hyper.fault(fault, ("on",), "standby")
    calls = len(product.lab.hyper.calls())
    refused_failover(product, words)
    assert product.lab.hyper.calls()[calls:].count("machine on standby") >= 2
    assert not product.lab.machines["standby"].running()
    product.lab.hyper.repair()
    clear(product)


def other_keys(lines, key=""):
    """known_hosts without the power host, or with another key for it."""
    hyper = (HOSTS["hyper"].ipv4, HOSTS["hyper"].ipv6)
    kept = [line for line in lines if line.split()[0] not in hyper]
    return "\n".join(kept + [f"{address} {key}" for address in hyper if key]) + "\n"


def test_a_host_key_that_changed_or_is_unknown_is_refused_by_name(product, keys):
    calls = len(product.lab.hyper.calls())
    lines = keys.read_text().splitlines()
    standby = next(line for line in lines if line.startswith(HOSTS["standby"].ipv4 + " ")).split(maxsplit=1)[1]
    keys.write_text(other_keys(lines, standby))
    refused_failover(product, ("hyper: the host key of ", " has changed: pinned "))
    clear(product)
    keys.write_text(other_keys(lines))
    refused_failover(product, ("hyper: no host key is pinned for ",))
    clear(product)
    assert len(product.lab.hyper.calls()) == calls, "a host that was not recognised was given a command"


def serial(lab):
    """The zone's serial at ns1: one more for each update that was done."""
    return int(lab.dns.query("ns1", ZONE, "SOA")[0].split()[2])


def drop_replies(lab, drop):
    """ns1 does what it is asked and its replies to updates get lost, or no longer."""
    lab.exec("ns1", ["nft", "-f", "-"], stdin="table inet lost {\n}\ndelete table inet lost\n" + (
        "table inet lost {\nchain out {\ntype filter hook output priority 0; policy accept;\n"
        f"{REPLY_OF_UPDATE} counter drop\n}}\n}}\n" if drop else ""))


def submit(lab, recipient):
    """A message from outside straight to the standby; the 250 is its own."""
    with lab.net.inside("sender"):
        client = smtplib.SMTP(HOSTS["standby"].ipv4, 25, "sender.outside.test", timeout=60)
    message = f"From: a@outside.test\r\nTo: {recipient}\r\nSubject: to be kept\r\n\r\nfor {recipient}\r\n"
    client.sendmail("a@outside.test", [recipient], message)
    client.quit()


def test_a_promotion_and_a_failback_through_lies_hands_and_lost_replies(product, tmp_path):
    lab = product.lab
    lab.controller.stop()
    product.start(MODE="manual", FENCE='{ name = "switch"; }')
    product.wait_state("down", timeout_s=60)
    fenced_by_a_liar_and_changed_by_a_person(product)
    resumed_over_a_lost_reply(product)
    submit(lab, f"user1@{ZONE}")
    submit(lab, f"user5@{ZONE}")
    lab.machines["primary"].mail_signal("CONT")
    lab.exec("primary", ["sh", "-ec", "sed -i /^user5@/d /etc/postfix/mailboxes; postmap hash:/etc/postfix/mailboxes; "
                         "postfix reload"])
    wait_for("primary is back", lambda: product.status().get("verdict") == "up", 90)
    done = product.coldmx("failback", PAIR, "--reason", "repaired", "--yes", timeout_s=300)
    assert done.returncode == 0, done.stdout + done.stderr
    stranded_is_kept_and_only_then_removed(product, tmp_path)


def fenced_by_a_liar_and_changed_by_a_person(product):
    """Every second call of the switch fails, "off" is a lie, and the MX set changes under the operation's feet."""
    lab = product.lab
    lab.hyper.fault("flaky", ("on", "status"), "standby")
    lab.hyper.fault("lie", ("off",), "primary")
    begun = product.coldmx("failover", PAIR, "--reason", "it hangs", "--yes", "--no-wait")
    assert begun.returncode == 5, begun.stdout + begun.stderr
    wait_for("past the guard", lambda: step(product, "guard")["state"] == "done", 60)
    succeeded, said = lab.dns.set_mx(sorted(BY_HAND))
    assert succeeded, said
    status = product.wait_state("stuck", timeout_s=280)
    text = status["operation"]["error"]["text"]
    assert text.startswith("switch-dns: changed by another hand, nothing overwritten: example.test"), text
    assert status["operation"]["error"]["class"] == "conflict"
    assert step(product, "power-on")["state"] == "done" and "machine on standby" in lab.hyper.calls()
    assert "not fenced: switch: off reported done, it reads back as on" in step(product, "fence")["note"]
    assert lab.machines["primary"].running()
    assert set(lab.dns.mx("ns1")) == BY_HAND
    said = product.coldmx("status", PAIR).stdout
    assert "changed by another hand" in said and "coldmx resume" in said, said
    wait_for("page", lambda: any("changed by another hand" in page["text"] for page in lab.controller.pages()), 30)


def resumed_over_a_lost_reply(product):
    """The set is put back, and the one update that follows is done though nobody hears so."""
    lab = product.lab
    succeeded, said = lab.dns.set_mx(sorted(STANDARD))
    assert succeeded, said
    lab.hyper.repair()
    before = serial(lab)
    drop_replies(lab, True)
    try:
        done = product.coldmx("resume", PAIR, "--reason", "put back", "--yes", timeout_s=180)
        dropped = lab.exec("ns1", ["nft", "list", "ruleset"]).stdout
    finally:
        drop_replies(lab, False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "counter packets 0 " not in dropped, "no reply was dropped"
    status = product.wait_state("promoted", timeout_s=60)
    assert set(lab.dns.mx("ns1")) == set(lab.dns.mx("ns2")) == SWAPPED
    assert serial(lab) == before + 1, "the update was sent again"
    assert f"op={status['operation']['id']}" in " ".join(lab.dns.query("ns1", f"_coldmx.{ZONE}", "TXT"))
    assert "the primary is not fenced" in status["trouble"], status["trouble"]


def stranded_record(lab, tmp_path):
    """The one row of the stranded list: queue id, and what stands in it; from a copy, the database is the daemon's."""
    for name in ("coldmx.db", "coldmx.db-wal"):
        shutil.copy(lab.controller.dir / "state" / name, tmp_path)
    with contextlib.closing(sqlite3.connect(tmp_path / "coldmx.db")) as database:
        (name, body), = database.execute("SELECT key, body FROM stranded").fetchall()
    return name, dict(line.split("=", 1) for line in body.splitlines())


def stranded_is_kept_and_only_then_removed(product, tmp_path):
    """user1's message is delivered; user5's is a file at the controller, listed, hashed; nobody got a bounce."""
    lab = product.lab
    status = product.status()
    assert status["stranded"] == 1 and status["operation"]["kind"] == "failback", status
    assert "1 message that the primary refused for good" in product.coldmx("status", PAIR).stdout
    kept, = (lab.controller.dir / "stranded" / PAIR).glob("*.eml")
    content = kept.read_bytes()
    assert f"for user5@{ZONE}".encode() in content and f"user5@{ZONE}" in str(email.message_from_bytes(content))
    name, listed = stranded_record(lab, tmp_path)
    assert listed["sha256"] == hashlib.sha256(content).hexdigest() and listed["id"] == name and name in kept.name
    removed, = (line for line in lab.machines["standby"].journal("-t", "postfix/postsuper").splitlines()
                if f"{name}: removed" in line)
    removed_s = datetime.datetime.fromisoformat(removed.split()[0]).timestamp()
    assert kept.stat().st_mtime <= int(listed["wall_ms"]) / 1000 <= removed_s, removed
    journal = lab.machines["standby"].journal("-u", "postfix@-.service")
    assert "status=bounced" not in journal and f"to=<user1@{ZONE}>" in journal
    assert not lab.machines["standby"].running() and set(lab.dns.mx("ns1")) == STANDARD
    assert lab.exec("primary", ["sh", "-c", f"cat /var/mail/vhosts/{ZONE}/user1/new/*"]).stdout.count("to be kept") == 1
