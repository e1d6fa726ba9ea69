"""The main job on real parts: an automatic failover and the failback under a steady stream of numbered mail, and a
failing BLOCK control that stops a promotion before port 25 opens."""

import json
import time

import pytest

from coldlab import failover
from coldlab.lab import Lab
from coldlab.net import HOSTS

STANDARD = {"10 mail1.example.test.", "20 mail2.example.test."}
SWAPPED = {"20 mail1.example.test.", "10 mail2.example.test."}


@pytest.fixture(name="product")
def fixture_product():
    """A lab of its own, the product installed before the first boot, the primary up, the standby off."""
    lab = Lab.up(power=())
    product = failover.Product(lab)
    try:
        product.install()
        lab.machines["primary"].power_on()
        yield product
    finally:
        lab.controller.stop()
        lab.down()


def steps(product):
    """{step: state} of the last operation."""
    return {step["name"]: step["state"] for step in product.status()["operation"]["steps"]}


def test_a_dead_primary_is_replaced_and_comes_back_without_loss(product):
    lab = product.lab
    product.start(MODE="automatic")
    product.wait_ready(90)
    ledger = lab.ledger()
    ledger.start()
    time.sleep(3)
    lab.machines["primary"].unplug()
    product.wait_state("promoted", timeout_s=300)
    assert set(lab.dns.mx("ns1")) == set(lab.dns.mx("ns2")) == SWAPPED
    assert set(steps(product).values()) == {"done"}
    refused = product.coldmx("failover", failover.PAIR, "--reason", "again", "--yes")
    assert refused.returncode == 4 and "coldmx failback" in refused.stdout + refused.stderr
    time.sleep(3)
    lab.machines["primary"].power_on()
    lab.net.wait_answer("ctl", HOSTS["primary"].ipv4, 25, 90)
    begun = product.coldmx("failback", failover.PAIR, "--reason", "repaired", "--yes", "--no-wait")
    assert begun.returncode == 5, begun.stdout + begun.stderr
    failover.wait_for("failback done", lambda: (product.status().get("operation") or {}).get("kind") == "failback" and
                      product.status()["operation"]["status"] != "running", 300)
    ledger.stop()
    assert product.status()["operation"]["status"] == "done", json.dumps(product.status()["operation"], indent=1)
    assert not lab.machines["standby"].running()
    assert set(lab.dns.mx("ns1")) == STANDARD
    settled = ledger.wait_settled(180)
    print(ledger.report())
    assert settled and not ledger.missing() and not product.status()["unordered_boot"]
    pages = " ".join(page["text"] for page in lab.controller.pages())
    assert "the standby takes the mail" in pages and "the primary has its role back" in pages


def test_a_failing_block_control_stops_before_port_25_opens(product, tmp_path):
    lab = product.lab
    control = tmp_path / "harden.d" / "05-refuses"
    control.parent.mkdir()
    control.write_text("#!/bin/sh\n# BLOCK\n# phase: before-mail\n[ \"$1\" = apply ] || "
                       "printf '1..1\\nnot ok 1 - this host is never good enough\\n'\n")
    control.chmod(0o755)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_mode & 0o022 and not folder.stat().st_mode & 0o1000:
            folder.chmod(0o755)
    product.start(MODE="manual", HARDEN_DIR=control.parent)
    product.wait_ready(90)
    lab.machines["primary"].unplug()
    product.wait_state("down", timeout_s=60)
    done = product.coldmx("failover", failover.PAIR, "--reason", "test", "--yes", timeout_s=180)
    assert done.returncode == 1, done.stdout + done.stderr
    status = product.status()
    assert status["state"] == "stuck" and "never good enough" in status["operation"]["error"]["text"]
    assert steps(product)["open-port"] == "waiting" and steps(product)["power-on"] == "undone"
    assert not lab.machines["standby"].running()
    assert set(lab.dns.mx("ns1")) == STANDARD
