"""No accepted message is lost, whatever breaks: the primary's Postfix under SIGKILL while a name server is dead, and an
abort after open-port. Ten numbered messages a second all the time; the ledger is printed."""

import json

import pytest

from coldlab import failover
from coldlab.failover import PAIR, STANDARD, SWAPPED, wait_for
from coldlab.net import HOSTS

UNIT = "postfix@-.service"


@pytest.fixture(scope="module", name="product")
def fixture_product():
    """One lab for this file; each test leaves the primary in its role and the standby off."""
    with failover.product_lab() as product:
        yield product


def begin(product, **more):
    """The controller with this configuration, the primary up, nothing latched, and a ledger that has begun."""
    product.lab.controller.stop()
    product.start(MODE="automatic", **more)
    product.wait_ready(120)
    assert product.coldmx("ack", PAIR, "--reason", "the test before is explained").returncode == 0
    ledger = product.lab.ledger()
    ledger.start()
    wait_for("30 messages submitted", lambda: len(ledger.submitted) >= 30, 60)
    return ledger


def order(product, *words):
    """A command that moves mail; it goes on without us (exit 5)."""
    done = product.coldmx(*words, PAIR, "--reason", "test", "--yes", "--no-wait")
    assert done.returncode == 5, done.stdout + done.stderr


def drain_by_hand(product, ledger):
    """Resumes as long as the short limit of its drain stops it: each time the queue has become shorter."""
    waiting = None
    while waiting is None or product.wait_end("abort")["status"] == "stuck":
        before, waiting = waiting, len(ledger.standby_queue())
        assert before is None or waiting < before, f"{before} messages waited, now {waiting}"
        order(product, "resume")


def settle(product, ledger, kind):
    """The operation ends well, the standby is off, and the books are right."""
    ended = product.wait_end(kind)
    ledger.stop()
    assert ended["status"] == "done", json.dumps(ended, indent=1)
    assert not product.lab.machines["standby"].running()
    for server in ("ns1", "ns2"):
        product.lab.dns.wait_mx(server, STANDARD, 30)
    settled = ledger.wait_settled(180)
    ledger.read_stranded(product.lab.controller.dir / "stranded")
    print(f"\n{ledger.report()}")
    assert settled and not ledger.faults(), "\n".join(ledger.faults())


def test_postfix_under_sigkill_and_a_dead_name_server(product):
    lab, primary = product.lab, product.lab.machines["primary"]
    ledger = begin(product)
    primary.mail_signal("KILL")
    primary.exec(["systemctl", "mask", "--runtime", UNIT])
    assert not lab.net.answers("ctl", HOSTS["primary"].ipv4, 25)
    product.wait_step("promote", "harden")
    lab.dns.stop("ns2")
    assert product.steps()["switch-dns"] == "waiting"
    product.wait_state("promoted", timeout_s=600)
    assert set(product.steps().values()) == {"done"} and set(lab.dns.mx("ns1")) == SWAPPED and not lab.dns.mx("ns2")
    notes = {step["name"]: step["note"] for step in product.operation()["steps"]}
    for address in (HOSTS["ns2"].ipv4, HOSTS["ns2"].ipv6):
        assert f"[{address}] does not answer" in product.status()["trouble"] and f"[{address}]" in notes["verify-dns"]
    assert HOSTS["ns2"].ipv4 in product.coldmx("status", PAIR).stdout
    lab.dns.start("ns2")
    lab.dns.wait_mx("ns2", SWAPPED, 30)
    wait_for("mail at the standby", ledger.standby_queue, 60)
    primary.exec(["systemctl", "unmask", "--runtime", UNIT])
    order(product, "failback")
    settle(product, ledger, "failback")


def test_an_abort_after_open_port(product):
    lab, primary, standby = product.lab, product.lab.machines["primary"], product.lab.machines["standby"]
    ledger = begin(product, LIMITS='drain = "15 s";')
    primary.unplug()
    lab.net.cut("ns2")  # makes verify-dns slow: the abort comes in the middle of the operation
    wait_for("the point of no return", lambda: product.operation().get("past_no_return"), 600)
    wait_for("mail at the standby", ledger.standby_queue, 120)  # after it only: a refused RCPT has a file for a moment
    assert product.operation()["kind"] == "promote"
    print(f"abort comes at {product.operation()['status']} {product.steps()}")
    order(product, "abort")
    lab.net.heal()
    product.wait_state("stuck", timeout_s=120)
    stuck = product.operation()
    assert stuck["kind"] == "abort" and "drain" in stuck["error"]["text"], json.dumps(stuck, indent=1)
    assert standby.running() and ledger.standby_queue()
    assert not lab.net.answers("sender", HOSTS["standby"].ipv4, 25)
    assert not lab.net.answers("sender", HOSTS["standby"].ipv6, 25)
    assert set(lab.dns.mx("ns1")) == STANDARD
    primary.power_on()
    lab.net.wait_answer("ctl", HOSTS["primary"].ipv4, 25, 90)
    drain_by_hand(product, ledger)
    settle(product, ledger, "abort")
