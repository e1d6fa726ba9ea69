"""The main job on real parts: an automatic failover and the failback under a steady stream of numbered mail, and a
failing BLOCK control that stops a promotion before port 25 opens."""

import json
import time

from coldlab import failover
from coldlab.failover import STANDARD, SWAPPED
from coldlab.net import HOSTS


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
    assert set(product.steps().values()) == {"done"}
    refused = product.coldmx("failover", failover.PAIR, "--reason", "again", "--yes")
    assert refused.returncode == 4 and "coldmx failback" in refused.stdout + refused.stderr
    time.sleep(3)
    lab.machines["primary"].power_on()
    lab.net.wait_answer("ctl", HOSTS["primary"].ipv4, 25, 90)
    begun = product.coldmx("failback", failover.PAIR, "--reason", "repaired", "--yes", "--no-wait")
    assert begun.returncode == 5, begun.stdout + begun.stderr
    ended = product.wait_end("failback")
    ledger.stop()
    assert ended["status"] == "done", json.dumps(ended, indent=1)
    assert not lab.machines["standby"].running()
    assert set(lab.dns.mx("ns1")) == STANDARD
    settled = ledger.wait_settled(180)
    print(ledger.report())
    assert settled and not ledger.faults() and not product.status()["unordered_boot"]
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
    assert product.steps()["open-port"] == "waiting" and product.steps()["power-on"] == "undone"
    assert not lab.machines["standby"].running()
    assert set(lab.dns.mx("ns1")) == STANDARD
