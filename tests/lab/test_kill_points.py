"""One promotion and one failback in which the controller dies at one commit after the other, at its writes (the commit is
absent, or torn) or at its sync (it is there, and nobody was told), with ten numbered messages a second."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from coldlab.failover import PAIR, STANDARD, SWAPPED, wait_for
from coldlab.invariants import Watcher, boots, calls, check_rights, serial
from coldlab.killpoints import Walker
from coldlab.restarts import Journal

CONF = {"MODE": "automatic", "FENCE": '{ name = "switch"; }'}


def check_deaths(walker):
    """A commit of something else that falls into a life, or one sync for two commits, can hide a step from it; its own
    test kills the controller in every step (test_ledger_restarts.py)."""
    steps = Journal(walker.folder).operations()[-1][2]
    missed = [step for step in steps if step not in {death.step for death in walker.deaths}]
    assert len(missed) <= len(steps) // 4 and len(walker.deaths) > 2 * len(steps), missed


def walk_failback(product, at):
    """The way back; the command may be cut off by a death, and is then said again."""
    walker = Walker(product, "failback", at, **CONF)
    product.lab.controller.stop()
    walker.start()
    with ThreadPoolExecutor() as operator:
        while not any(kind == "failback" for _, kind, _ in Journal(walker.folder).operations()):
            order = operator.submit(product.coldmx, "failback", PAIR, "--reason", "repaired", "--yes", "--no-wait")
            order.result()
            if not product.lab.controller.running():
                walker.count += 1
                walker.start()
        walker.walk()
    return walker


@pytest.mark.parametrize("at", ["sync", "write"])
def test_a_controller_that_dies_at_every_commit(product, at):
    lab, primary, standby = product.lab, product.lab.machines["primary"], product.lab.machines["standby"]
    product.start(**CONF)
    product.wait_ready(120)
    before, ledger, watcher = serial(lab), lab.ledger(), Watcher(lab)
    ledger.start()
    watcher.start()
    primary.mail_signal("KILL")
    walker = Walker(product, "promote", at, **CONF)
    product.lab.controller.stop()
    walker.start()
    walker.walk()
    product.wait_state("promoted", timeout_s=60)
    print(f"\n{walker.report()}")
    check_deaths(walker)
    assert calls(lab) == {"on standby": 1, "off primary": 1} and boots(standby) == 1
    assert serial(lab) == before + 1 and set(lab.dns.mx("ns1")) == SWAPPED
    wait_for("mail at the standby", ledger.standby_queue, 60)
    walker = walk_failback(product, at)
    product.wait_state("up", timeout_s=120)
    print(f"\n{walker.report()}")
    check_deaths(walker)
    assert calls(lab) == {"on standby": 1, "off primary": 1, "on primary": 1, "off standby": 1}
    assert serial(lab) == before + 2 and set(lab.dns.mx("ns1")) == STANDARD
    watcher.ended.set()
    watcher.join()
    assert watcher.looks > 50 and not watcher.bad, watcher.bad[:3]
    check_rights(Journal(walker.folder).rights())
    ledger.stop()
    settled = ledger.wait_settled(180)
    ledger.read_stranded(lab.controller.dir / "stranded")
    print(f"\n{ledger.report()}")
    assert settled and not ledger.faults(), "\n".join(ledger.faults())
