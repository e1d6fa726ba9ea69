"""One promotion and one failback in which the controller is killed (SIGKILL) once in every step and started again, at
ten numbered messages a second: it converges, does nothing twice that must be done once, and loses no message."""

from concurrent.futures import ThreadPoolExecutor

from coldlab.failover import PAIR, STANDARD, SWAPPED, wait_for
from coldlab.invariants import Watcher, boots, calls, check_rights, serial, update_comes
from coldlab.net import HOSTS
from coldlab.restarts import Killer


def check_killer(killer):
    """Every step was hit."""
    print(f"\n{killer.kind}: {len(killer.hit)} of {len(killer.steps())} steps hit by SIGKILL, "
          f"with their effect there and their end unwritten: {', '.join(killer.effects)}")
    assert killer.hit == killer.steps(), f"missed {killer.missed}"


def test_a_controller_that_dies_in_every_step(product):
    lab, primary, standby = product.lab, product.lab.machines["primary"], product.lab.machines["standby"]
    conf = {"MODE": "automatic", "FENCE": '{ name = "switch"; }'}
    promote = Killer(product, "promote", {
        "power-on": standby.running, "fence": lambda: not primary.running(),
        "open-port": lambda: lab.net.answers("sender", HOSTS["standby"].ipv4, 25, 0.1),
        "switch-dns": update_comes(lab)}, **conf)
    promote.start()
    product.wait_ready(120)
    before, ledger, watcher = serial(lab), lab.ledger(), Watcher(lab)
    ledger.start()
    watcher.start()
    primary.mail_signal("KILL")
    promote.run()
    product.wait_state("promoted", timeout_s=60)
    check_killer(promote)
    assert calls(lab) == {"on standby": 1, "off primary": 1} and boots(standby) == 1
    assert serial(lab) == before + 1 and set(lab.dns.mx("ns1")) == SWAPPED
    wait_for("mail at the standby", ledger.standby_queue, 60)
    failback = Killer(product, "failback", {"verify-primary": primary.running, "switch-dns": update_comes(lab),
                                            "power-off": lambda: not standby.running()}, **conf)
    with ThreadPoolExecutor() as operator:  # who waits for the answer, while the first step may be over soon
        order = operator.submit(product.coldmx, "failback", PAIR, "--reason", "repaired", "--yes", "--no-wait")
        failback.run()
    begun = order.result()
    assert begun.returncode in (3, 5), begun.stdout + begun.stderr  # 3: killed before it could answer
    product.wait_state("up", timeout_s=120)
    check_killer(failback)
    assert calls(lab) == {"on standby": 1, "off primary": 1, "on primary": 1, "off standby": 1}
    assert serial(lab) == before + 2 and set(lab.dns.mx("ns1")) == STANDARD
    watcher.ended.set()
    watcher.join()
    assert watcher.looks > 50 and not watcher.bad, watcher.bad[:3]
    check_rights(failback.journal.rights())
    assert [kind for _, kind, _ in failback.journal.operations()] == ["promote", "failback"]
    told = {page["key"] for page in lab.controller.pages() if "takes the mail" in page["text"]}
    assert len(told) == 1 and not product.status()["unordered_boot"]
    ledger.stop()
    settled = ledger.wait_settled(180)
    ledger.read_stranded(lab.controller.dir / "stranded")
    print(f"\n{ledger.report()}")
    assert settled and not ledger.faults(), "\n".join(ledger.faults())
