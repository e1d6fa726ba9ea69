"""Rights without a controller, on real hosts: a primary that nobody confirms, who is told, and that a removed agent
or a reinstalled Postfix never leaves mail off. One lab serves all tests of this file, in their order."""

import time

import pytest

from coldlab import image
from coldlab.failover import wait_for
from coldlab.product import REPOSITORY
from coldlab.rights import (PAGE_S, PROBE, SECONDS, STATE, UNIT, deferred, delivered, flushed, reboot, rights_lab,
                            serves, smtp, stored)


@pytest.fixture(scope="module", name="product")
def fixture_product():
    """One lab for the tests of this file, in their order."""
    with rights_lab() as product:
        yield product


def test_a_healthy_primary_needs_nobody(product):
    """No controller, no standby, and a peer and a marker that stay silent: 250 within 60 s of its boot."""
    primary = product.lab.machines["primary"]
    before = wait_for("a confirmed record", lambda: stored(primary), PAGE_S)
    product.lab.controller.stop(0)
    took_s = reboot(product, primary)
    print(f"250 {took_s:.1f} s after the power button, with nobody to ask")
    assert took_s < 60 and stored(primary) == before
    why = primary.exec(["journalctl", "-b", "--no-pager", "-u", UNIT]).stdout
    assert "no confirmation" in why and "peer: " in why and "gives own to the primary" in why


def test_without_a_controller_the_agent_pages_by_itself(product):
    """Skipped with a right; systemctl status says why."""
    primary = product.lab.machines["primary"]
    primary.exec(["systemctl", "stop", UNIT])
    pages = primary.root / STATE.lstrip("/") / "pages"
    page = wait_for("a page", lambda: pages.exists() and pages.read_text(), PAGE_S)
    assert "skipped with a right" in page
    assert "skipped with a right: epoch" in primary.exec(["systemctl", "status", "coldmx-agent.service"]).stdout
    primary.exec(["systemctl", "start", UNIT])


def test_gate_alone_of_a_full_pair(product):
    """Nobody confirms: `serve` delivers, `accept-only` keeps what comes until the controller is back."""
    lab, primary = product.lab, product.lab.machines["primary"]
    conf = primary.read("/etc/coldmx/agent.conf")
    primary.write("/etc/coldmx/agent.conf", conf + 'mode = "full"; gate_alone = "accept-only";\n')
    primary.exec(["rm", f"{STATE}/confirmed"])
    primary.exec(["systemctl", "restart", UNIT, "coldmx-agent.service"])
    assert "accept only; delivery is held" in primary.exec(["systemctl", "status", UNIT]).stdout
    assert {"smtp", "relay", "virtual"} <= set(deferred(primary))
    count = delivered(primary)
    wait_for("250", lambda: serves(lab), SECONDS)
    with smtp(lab, "primary") as session:
        session.sendmail("a@outside.test", [PROBE], "Subject: kept\r\n\r\nkept\r\n")
    time.sleep(3)
    assert delivered(primary) == count
    product.start(MODE="manual")
    wait_for("delivery is given back", lambda: deferred(primary) == [], PAGE_S)
    wait_for("the message", lambda: flushed(primary) and delivered(primary) > count, PAGE_S)
    lab.controller.stop(0)
    primary.write("/etc/coldmx/agent.conf", conf + 'mode = "full"; gate_alone = "serve";\n')
    primary.exec(["rm", f"{STATE}/confirmed"])
    primary.exec(["systemctl", "restart", UNIT])
    assert "gate_alone says serve" in primary.exec(["systemctl", "status", UNIT]).stdout
    assert deferred(primary) == []
    primary.write("/etc/coldmx/agent.conf", conf)
    primary.exec(["systemctl", "restart", "coldmx-agent.service"])
    product.start(MODE="manual")
    product.wait_state("up", timeout_s=60)


def test_a_reinstalled_postfix_keeps_its_gate(product):
    """Its package owns nothing in /etc/systemd, and the rights are the agent's."""
    primary = product.lab.machines["primary"]
    before = stored(primary)
    deb = max(image.cache_dir().glob("debs/postfix_*.deb"))
    (primary.root / "root/postfix.deb").write_bytes(deb.read_bytes())
    primary.exec(["env", "DEBIAN_FRONTEND=noninteractive", "dpkg", "--force-confold", "-i", "/root/postfix.deb"],
                 timeout_s=120)
    gate = primary.exec(["systemctl", "show", "-P", "ExecCondition", UNIT]).stdout
    assert "coldmx-agent gate" in gate and stored(primary) == before
    wait_for("250", lambda: serves(product.lab), 60)


def test_a_removed_agent_leaves_postfix_able_to_start(product):
    """make uninstall's script takes the gate first, and keeps the rights; installed again, all is as before."""
    primary = product.lab.machines["primary"]
    before = stored(primary)
    primary.write("/root/uninstall", (REPOSITORY / "packages/uninstall").read_text(), 0o755)
    said = primary.exec(["/root/uninstall"]).stdout
    assert said.startswith("removed /etc/systemd/system/postfix@-.service.d/coldmx-gate.conf")
    assert not (primary.root / "usr/bin/coldmx-agent").exists() and stored(primary) == before
    primary.exec(["systemctl", "restart", UNIT])
    wait_for("250", lambda: serves(product.lab), 30)
    took_s = reboot(product, primary)
    print(f"250 {took_s:.1f} s after the power button, without an agent")
    assert primary.exec(["systemctl", "show", "-P", "ExecCondition", UNIT]).stdout.strip() == ""
