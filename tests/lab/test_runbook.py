"""The day when coldmxd is gone: a failover and the way back by the printed runbooks alone, under a steady stream of
numbered mail."""

import os
import time

from coldlab import failover
from coldlab.failover import BUILD, PAIR, STANDARD, SWAPPED
from coldlab.net import HOSTS
from coldlab.sh import run


def make_runbook(product, path, *options):
    """Prints it with the configuration of the dead controller."""
    argv = [BUILD / "coldmx", "runbook", PAIR, "--config", product.lab.controller.conf, *options]
    path.write_text(run(argv).stdout)
    return path


def follow(product, path, *words, check=True):
    """Runs a runbook at ctl; what it said."""
    argv = ["ip", "netns", "exec", product.lab.state.netns("ctl"), "bash", path, *words]
    env = {**os.environ, "PATH": f"{BUILD}:{os.environ['PATH']}"}
    done = run(argv, env=env, timeout_s=600, check=False)
    print(done.stdout + done.stderr)
    assert not check or done.returncode == 0, done.stderr
    return done


def test_a_failover_and_the_way_back_without_the_controller(product, tmp_path):
    lab = product.lab
    product.start(MODE="manual")
    product.wait_ready(90)
    lab.controller.stop()
    there = make_runbook(product, tmp_path / "there.sh")
    back = make_runbook(product, tmp_path / "back.sh", "--failback")
    refused = follow(product, there, check=False)
    assert refused.returncode == 1 and "STOP at step 1: the primary answers" in refused.stderr
    assert not lab.machines["standby"].running()
    ledger = lab.ledger()
    ledger.start()
    time.sleep(3)
    lab.machines["primary"].unplug()
    follow(product, there)
    assert set(lab.dns.mx("ns1")) == set(lab.dns.mx("ns2")) == SWAPPED
    failover.wait_for("mail at the standby", ledger.standby_queue, 60)
    lab.machines["primary"].power_on()
    lab.net.wait_answer("ctl", HOSTS["primary"].ipv4, 25, 90)
    follow(product, back)
    ledger.stop()
    assert not lab.machines["standby"].running() and set(lab.dns.mx("ns1")) == STANDARD
    settled = ledger.wait_settled(180)
    ledger.read_stranded(lab.controller.dir / "stranded")
    print(ledger.report())
    assert settled and not ledger.faults(), "\n".join(ledger.faults())
    product.start(MODE="manual")
    product.wait_state("up", timeout_s=60)
