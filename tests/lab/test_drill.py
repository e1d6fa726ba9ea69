"""A drill on real parts: the standby proves itself on loopback and is off again, nobody outside reaches its port 25, no
name moves; and a primary that dies meanwhile makes a promotion of it."""

import json
import threading

import pytest

from coldlab import failover
from coldlab.failover import PAIR, STANDARD, SWAPPED
from coldlab.net import HOSTS

PORTS = [(src, address) for src in ("ctl", "primary") for address in (HOSTS["standby"].ipv4, HOSTS["standby"].ipv6)]


class Knocking(threading.Thread):
    """Knocks at port 25 of the standby from other hosts, over both families, until it is stopped."""

    def __init__(self, net):
        super().__init__(daemon=True)
        self.net, self.over, self.knocks, self.answered = net, threading.Event(), 0, []

    def run(self):
        while not self.over.is_set():
            for src, address in PORTS:
                self.knocks += 1
                if self.net.answers(src, address, 25, 0.3):
                    self.answered.append((src, address))

    def stop(self):
        """Ends it; who got an answer."""
        self.over.set()
        self.join()
        return self.answered


@pytest.fixture(scope="module", name="product")
def fixture_product():
    """The product on a primary that runs and a standby that is off, for all tests of this file, in their order."""
    with failover.product_lab() as product:
        product.start(MODE="automatic", DRILL_BLACKHOLE="true")
        product.wait_ready(90)
        yield product


def test_a_drill_is_green_and_touches_nothing(product):
    lab = product.lab
    before = len(lab.controller.pages())  # a slow first boot is paged, too
    knocking = Knocking(lab.net)
    knocking.start()
    begun = product.coldmx("drill", PAIR, "--reason", "monthly", "--no-wait")
    assert begun.returncode == 5, begun.stdout + begun.stderr
    product.wait_step("drill", "verify-local")
    standby = lab.machines["standby"]
    rules = standby.exec(["nft", "list", "table", "inet", "coldmx"]).stdout
    assert "tcp dport 25 reject" in rules and HOSTS["primary"].ipv4 in rules and HOSTS["primary"].ipv6 in rules
    assert standby.exec(["coldmx-agent", "rights"]).stdout.splitlines()[2:] == [
        "own=primary", "accept=primary", "rehearse=yes"]
    assert not lab.net.answers("standby", HOSTS["primary"].ipv4, 25, 2)
    ended = product.wait_end("drill")
    answered = knocking.stop()
    assert ended["status"] == "done", json.dumps(ended, indent=1)
    assert not answered and knocking.knocks > 20
    assert not standby.running() and set(lab.dns.mx("ns1")) == set(lab.dns.mx("ns2")) == STANDARD
    status = product.wait_state("up", timeout_s=30)
    assert status["drill"]["says"].startswith("green") and not status["drill"]["red"]
    assert status["drill"]["ready_ms"] > 0 and status["accept"] == "primary" and not status["unordered_boot"]
    assert not [page for page in lab.controller.pages()[before:] if page["severity"] == "page"]
    print(f"ready for mail after {status['drill']['ready_ms']} ms; {status['drill']['says']}")


def test_a_primary_that_dies_in_a_drill_makes_a_promotion_of_it(product):
    lab = product.lab
    begun = product.coldmx("drill", PAIR, "--reason", "monthly", "--no-wait")
    assert begun.returncode == 5, begun.stdout + begun.stderr
    product.wait_step("drill", "connect", "harden")
    lab.machines["primary"].unplug()
    status = product.wait_state("promoted", timeout_s=300)
    assert set(lab.dns.mx("ns1")) == SWAPPED and lab.machines["standby"].running()
    assert status["operation"]["kind"] == "promote" and set(product.steps().values()) == {"done"}
    assert lab.net.answers("ctl", HOSTS["standby"].ipv4, 25, 5)
    assert lab.hyper.calls().count("machine on standby") == 2  # once a drill, not once more
    assert "rehearse" not in lab.machines["standby"].exec(["coldmx-agent", "rights"]).stdout
