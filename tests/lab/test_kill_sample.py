"""A sample of test_kill_points.py that fits into every run: the controller dies at the sync of one commit after the other
in the first steps of a failover, then goes on."""

from coldlab.failover import SWAPPED
from coldlab.invariants import calls
from coldlab.killpoints import Walker
from coldlab.restarts import Journal

CONF = {"MODE": "automatic", "FENCE": '{ name = "switch"; }'}
DEATHS = 16


def test_a_controller_that_dies_at_its_first_commits_goes_on(product):
    lab = product.lab
    product.start(**CONF)
    product.wait_ready(120)
    lab.machines["primary"].mail_signal("KILL")
    walker = Walker(product, "promote", "sync", **CONF)
    lab.controller.stop()
    walker.start()
    walker.walk(most=DEATHS)
    product.wait_state("promoted", timeout_s=120)
    print(f"\n{walker.report()}")
    assert len(walker.deaths) == DEATHS and len({death.step for death in walker.deaths if death.step}) >= 2
    assert [kind for _, kind, _ in Journal(walker.folder).operations()] == ["promote"]
    assert set(lab.dns.mx("ns1")) == SWAPPED and calls(lab)["on standby"] == 1
