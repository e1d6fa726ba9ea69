"""Operations under faults of the power that they act on: each ends as it should, before anything is open, and names the
cause in words."""

import pytest

from coldlab import failover
from coldlab.failover import PAIR, wait_for
from coldlab.lab import Lab

STANDARD = {"10 mail1.example.test.", "20 mail2.example.test."}


@pytest.fixture(scope="module", name="product")
def fixture_product():
    """A lab whose primary hangs (its machine stays on), found down by a controller that waits for a person."""
    lab = Lab.up(power=())
    product = failover.Product(lab)
    try:
        product.install()
        lab.machines["primary"].power_on()
        product.start(MODE="manual", LIMITS='boot = "20 s"; command = "9 s";')
        product.wait_ready(90)
        lab.machines["primary"].mail_signal("STOP")
        product.wait_state("down", timeout_s=60)
        yield product
    finally:
        lab.controller.stop()
        lab.down()


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
