"""Rights that move while the controller is away, on real hosts: a primary that returns reads the marker, and obeys a
glass that was broken at the other host. One lab serves all tests of this file, in their order."""

import time

import pytest

from coldlab.failover import PAIR, wait_for
from coldlab.rights import PROBE, SECONDS, deferred, delivered, rights_lab, serves, smtp, stored


@pytest.fixture(scope="module", name="product")
def fixture_product():
    """One lab for the tests of this file, in their order."""
    with rights_lab() as product:
        yield product


def test_a_returning_primary_learns_from_the_marker(product):
    """The controller is away and the standby cannot be asked: the DNS says under which epoch the MX set was moved."""
    lab, primary = product.lab, product.lab.machines["primary"]
    primary.unplug()
    product.wait_state("down", timeout_s=60)
    done = product.coldmx("failover", PAIR, "--reason", "test", "--yes", timeout_s=600)
    assert done.returncode == 0, done.stdout + done.stderr
    epoch = product.status()["epoch"]
    assert stored(lab.machines["standby"])["epoch"] == str(epoch) != stored(primary)["epoch"]
    lab.controller.stop(0)
    lab.net.cut_between("primary", "standby")
    primary.power_on()
    wait_for("250 from the primary", lambda: serves(lab), 60)
    assert stored(primary)["epoch"] == str(epoch) and stored(primary)["accept"] == "primary,standby"
    # by its gate, or by its agent, whichever was first
    assert f"the marker shows epoch {epoch}" in primary.exec(["journalctl", "-b", "--no-pager"]).stdout


def test_a_broken_glass_is_obeyed_by_the_other_host_within_seconds(product):
    """Told by the peer alone; mail is still taken, and waits."""
    lab, primary, standby = product.lab, product.lab.machines["primary"], product.lab.machines["standby"]
    before = int(stored(standby)["epoch"])
    said = standby.exec(["coldmx-agent", "grant", "--break-glass", "--reason", "the controller burnt down"])
    epoch = int(said.stdout.strip().split("=")[1])
    assert epoch > before + 2 and stored(standby)["own"] == "standby"
    time.sleep(3)
    assert stored(primary)["own"] == "primary"  # it cannot be told yet
    lab.net.heal()
    began = time.monotonic()
    wait_for("the primary drops own", lambda: stored(primary) == stored(standby), SECONDS)
    wait_for("delivery is held", lambda: "virtual" in deferred(primary), SECONDS)
    print(f"own dropped, delivery held {time.monotonic() - began:.1f} s after the peer could be asked")
    count = delivered(primary)
    wait_for("250", lambda: serves(lab), SECONDS)
    with smtp(lab, "primary") as session:
        session.sendmail("a@outside.test", [PROBE], "Subject: waits\r\n\r\nwaits\r\n")
    time.sleep(2)
    assert delivered(primary) == count
