"""Fixtures: one lab a test run (a pytest-xdist worker is one), brought to the same calm state before each test."""

import os

import pytest

from coldlab import failover
from coldlab.lab import Lab

STANDARD_MX = ["10 mail1.example.test.", "20 mail2.example.test."]


def pytest_configure():
    """Without root there is no lab, and a run without a lab must not look green."""
    if os.geteuid() != 0:
        pytest.exit("the lab needs root (namespaces, overlays, nspawn)", returncode=2)


@pytest.fixture(scope="session", name="running_lab")
def fixture_running_lab():
    """The lab of this run; it ends with the run, however that ends."""
    lab = Lab.up()
    yield lab
    lab.down()


@pytest.fixture(name="lab")
def fixture_lab(running_lab):
    """The lab with nothing broken: primary on, standby off, standard MX."""
    lab = running_lab
    lab.net.heal()
    lab.hyper.repair()
    lab.controller.stop()
    lab.machines["standby"].power_off()
    lab.machines["primary"].power_on()
    if lab.dns.mx("ns1") != STANDARD_MX:
        succeeded, said = lab.dns.set_mx(STANDARD_MX)
        assert succeeded, said
    for server in ("ns1", "ns2"):
        lab.dns.wait_mx(server, STANDARD_MX)
    lab.net.wait_answer("ctl", "192.0.2.10", 25, 60)
    return lab


@pytest.fixture(name="product")
def fixture_product():
    """The product in a lab of its own: installed, the primary on, the standby off, no controller yet."""
    with failover.product_lab() as product:
        yield product
