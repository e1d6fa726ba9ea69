"""coldmx-agent on real hosts, under a real controller: gate, boots, health, maps, rights, the primary that comes back.

One lab serves all tests of this file, in their order: first a pair of which nothing is known, then a healthy one, then
a dead primary, a promoted standby, and the primary's return."""

import contextlib
import json
import re
import smtplib
import time

import pytest

from coldlab import failover
from coldlab.failover import PAIR, wait_for
from coldlab.net import HOSTS
from coldlab.restarts import NO_LEAK_CHECK
from coldlab.sh import run

UNIT = "postfix@-.service"
PAGE_S = 30  # within which a person must know
PROBE, NOBODY = "probe@example.test", "coldmx-nobody@example.test"
STATE = "/var/lib/coldmx-agent"


@pytest.fixture(scope="module", name="product")
def fixture_product():
    """The product on two hosts that are off, and a controller that has seen neither of them."""
    with failover.product_lab(primary_on=False) as product:
        product.start(MODE="manual", MAPS_MAX_AGE="60 s")
        yield product


@contextlib.contextmanager
def smtp(lab, host):
    """A session from the sender with a host's port 25."""
    session = smtplib.SMTP()
    session.sock = lab.net.connect("sender", HOSTS[host].ipv4, 25)
    session.getreply()
    session.ehlo("sender.outside.test")
    try:
        yield session
    finally:
        session.quit()


def rcpt_code(lab, host, recipient):
    """What a host says to a recipient from outside; 0 while it does not answer."""
    try:
        with smtp(lab, host) as session:
            session.mail("a@outside.test")
            return session.rcpt(recipient)[0]
    except (OSError, smtplib.SMTPException):
        return 0


def page_with(product, text, seen=0, timeout_s=PAGE_S):
    """The first page after `seen` of them that holds the text."""
    def look():
        return next((p["text"] for p in product.lab.controller.pages()[seen:] if text in p["text"]), None)
    return wait_for(f"a page with {text!r}", look, timeout_s)


def shown(product, *args):
    """What `coldmx` prints."""
    return product.coldmx(*args, check=True).stdout


def history(product, what):
    """Rows of the audit trail of one kind."""
    rows = json.loads(shown(product, "history", PAIR, "--json"))["rows"]
    return [row for row in rows if row["what"] == what]


def unit_is(machine, name):
    """One property of Postfix's unit."""
    return machine.exec(["systemctl", "show", "-P", name, UNIT]).stdout.strip()


def agent(product, role):
    """What the controller shows of a host's agent, once it has heard it."""
    return wait_for(f"{role}'s agent heard", lambda: _known(product, role), PAGE_S)


def _known(product, role):
    report = (product.status().get("agents") or {}).get(role)
    return report if report and report["known"] else None


def boots(machine):
    """{boot id: order} as the host itself keeps them."""
    return {line.split()[0]: line.split()[1] for line in machine.read(f"{STATE}/boots").splitlines()}


def record(epoch, own="primary", accept="primary"):
    """A rights record."""
    return f"coldmx-rights 1\npair={PAIR}\nepoch={epoch}\nown={own}\naccept={accept}\nissued_ms=1\n"


def test_without_maps_a_promotion_stops_before_port_25_opens(product):
    """BLOCK at `maps`, everything undone; the boot was ordered, and both sides keep it with its order."""
    lab = product.lab
    product.wait_state("down", timeout_s=30)
    done = product.coldmx("failover", PAIR, "--reason", "no maps", "--yes", timeout_s=600)
    assert done.returncode == 1, done.stdout + done.stderr
    operation = product.status()["operation"]
    states = {step["name"]: step["state"] for step in operation["steps"]}
    assert "no recipient maps are kept" in operation["error"]["text"] and operation["error"]["code"] == "blocked"
    assert {states[name] for name in ("start-mail", "open-to-probes", "open-port", "switch-dns")} == {"waiting"}
    assert not lab.machines["standby"].running()
    [order], [boot] = history(product, "promote-begin"), history(product, "ordered-boot")
    assert boots(lab.machines["standby"]) == {boot["why"].split()[1]: order["boot_order"]}
    assert order["boot_order"] in boot["why"] and not product.status()["unordered_boot"]
    assert product.coldmx("abort", PAIR, "--reason", "seen", "--yes").returncode == 0


def test_health_is_shown_with_its_age(product):
    """Services, queue, disk and boot id of a primary that has just booted through its gate."""
    primary = product.lab.machines["primary"]
    primary.power_on()
    product.wait_ready(180)
    # the agent looks at its own port 25 now and then
    wait_for("the agent's own word that it serves", lambda: agent(product, "primary")["serving"], PAGE_S)
    report, now_ms = agent(product, "primary"), product.status()["built_ms"]
    assert report["boot_id"] == primary.boot_id() and 0 <= now_ms - report["at_ms"] < 10000
    assert report["serving"] and report["has_right"] and report["disk_free_mb"] > 0
    # a probe in hand is a file of the queue for a moment
    wait_for("an empty queue", lambda: (_known(product, "primary") or {}).get("queue") == 0, PAGE_S)
    assert "coldmx-agent gate" in unit_is(primary, "ExecCondition") and unit_is(primary, "ActiveState") == "active"
    assert primary.exec(["systemctl", "is-enabled", "coldmx-agent-obey.path"]).stdout.strip() == "enabled"
    text = shown(product, "status", PAIR)
    assert re.search(r"primary's agent serving, may accept mail, .*queue \d+, disk free .* ago\)", text)
    assert f"boot {report['boot_id']}" in text
    assert any(report["boot_id"] in row["why"] for row in history(product, "boot"))


def test_maps_are_pushed_when_they_change(product):
    """A new mailbox reaches the controller by itself."""
    primary = product.lab.machines["primary"]
    count = recipients(product)
    primary.exec(["sh", "-c", "echo 'new@example.test example.test/new/' >>/etc/postfix/mailboxes && "
                              "postmap /etc/postfix/mailboxes"])
    wait_for("the new map", lambda: recipients(product) == count + 1, PAGE_S)


def recipients(product):
    """How many the last map had."""
    return int(re.search(r"(\d+) recipients", history(product, "maps")[-1]["why"])[1])


def test_a_missing_gate_skips_mail_and_is_paged(product):
    """systemd only says `skipped` and `systemctl restart` succeeds; agent and controller say it aloud."""
    primary, seen = product.lab.machines["primary"], len(product.lab.controller.pages())
    primary.exec(["mv", "/usr/bin/coldmx-agent", "/usr/bin/coldmx-agent.away"])
    try:
        primary.exec(["systemctl", "restart", UNIT])
        page_with(product, "skipped with a right", seen)
        assert unit_is(primary, "Result") == "exec-condition"
        why = primary.exec(["systemctl", "status", "--no-pager", UNIT], check=False).stdout
        assert "coldmx-agent gate" in why and "203/EXEC" in why
        assert "primary: skipped with a right" in shown(product, "status", PAIR)
    finally:
        primary.exec(["mv", "/usr/bin/coldmx-agent.away", "/usr/bin/coldmx-agent"])
    primary.exec(["systemctl", "start", UNIT])
    product.wait_state("up", timeout_s=30)
    wait_for("no trouble", lambda: product.status().get("trouble", "?") is None, PAGE_S)


def test_a_silent_agent_is_unknown_and_paged(product):
    """Its last word is not shown as the present."""
    primary, seen = product.lab.machines["primary"], len(product.lab.controller.pages())
    agent(product, "primary")
    primary.exec(["systemctl", "stop", "coldmx-agent.service"])
    page_with(product, "primary: its agent is silent", seen)
    report = product.status()["agents"]["primary"]
    assert not report["known"] and report["at_ms"] and report["serving"] is None and report["queue"] is None
    text = shown(product, "status", PAIR)
    assert re.search(r"primary's agent unknown since \d\d:\d\d:\d\d \(last report ", text)
    assert "primary: its agent is silent" in text and product.status()["state"] == "up"


def test_a_boot_that_nobody_ordered_is_an_alarm(product):
    """Somebody presses the standby's button; its gate keeps mail off, and `postfix start` past it is told."""
    lab, standby = product.lab, product.lab.machines["standby"]
    seen = len(lab.controller.pages())
    lab.machines["primary"].unplug()  # its maps grow old meanwhile
    lab.ssh("hyper", "machine on standby", check=True)
    page_with(product, "ATTACK SIGNAL", seen)
    boot_id = standby.boot_id()
    assert product.status()["unordered_boot"] == boot_id and boots(standby)[boot_id] == "-"
    assert [row["why"].split()[1] for row in history(product, "unordered-boot")] == [boot_id]
    # the alarm is pushed; the agent's report comes with the controller's next question
    wait_for("the standby's agent's report", lambda: agent(product, "standby")["boot_id"] == boot_id, PAGE_S)
    text = shown(product, "status", PAIR)
    assert f"boot {boot_id}, without an order" in text and "ATTACK SIGNAL" in text
    standby.wait_booted()
    for word in ("at boot", "restart"):
        assert unit_is(standby, "Result") == "exec-condition" and unit_is(standby, "ActiveState") == "inactive", word
        standby.exec(["systemctl", "restart", UNIT])
    standby.exec(["postfix", "start"])
    page_with(product, "standby: listening without one", seen)
    assert "standby: listening without one" in shown(product, "status", PAIR)
    standby.exec(["postfix", "stop"])
    assert product.coldmx("ack", PAIR, "--reason", "it was me").returncode == 0
    wait_for("acknowledged", lambda: product.status().get("unordered_boot", "?") is None, 5)
    lab.ssh("hyper", "machine off standby", check=True)


def test_old_maps_degrade_a_promotion(product):
    """The standby answers 4xx to whom it does not know, and status and page name why."""
    lab, standby = product.lab, product.lab.machines["standby"]
    lab.machines["primary"].unplug()
    wait_for("maps older than their limit",
             lambda: time.time() - (product.status().get("maps_at_ms") or 2e12) / 1000 > 61, 90)
    done = product.coldmx("failover", PAIR, "--reason", "old maps", "--yes", timeout_s=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "DEGRADE: recipient maps are" in product.wait_state("promoted", timeout_s=10)["trouble"]
    assert "DEGRADE: recipient maps are" in shown(product, "status", PAIR)
    assert "DEGRADE: recipient maps are" in page_with(product, "the standby takes the mail")
    assert (rcpt_code(lab, "standby", PROBE), rcpt_code(lab, "standby", "new@example.test")) == (250, 250)
    assert 400 <= rcpt_code(lab, "standby", NOBODY) < 500
    order = history(product, "promote-begin")[-1]["boot_order"]
    assert agent(product, "standby")["boot_order"] == order == boots(standby)[standby.boot_id()]


def test_a_stale_epoch_changes_nothing(product):
    """Nor does the same epoch with other rights; what is taken is on disk before it is said."""
    standby = product.lab.machines["standby"]
    before = standby.read(f"{STATE}/rights")
    epoch = product.status()["epoch"]
    for text in (record(epoch - 1), record(epoch, own="standby", accept="standby")):
        said = standby.exec(["coldmx-agent", "grant", "--record", "-"], stdin=text, check=False)
        assert said.returncode == 1 and "refused" in said.stderr
    assert standby.read(f"{STATE}/rights") == before
    assert rcpt_code(product.lab, "standby", PROBE) == 250


def test_a_grant_is_on_disk_before_it_is_said(product, tmp_path):
    """fsync of the new file, rename, fsync of the folder, and only then `epoch=`."""
    standby, trace = product.lab.machines["standby"], tmp_path / "trace"
    standby.write("/root/agent.conf", f'pair = "{PAIR}";\nrole = "standby";\nstate_dir = "/root/rights";\n')
    run(["strace", "-f", "-s", "64", "-y", "-o", trace, "-e", "trace=fsync,fdatasync,/rename,write", *standby.enter(),
         "coldmx-agent", "-c", "/root/agent.conf", "grant", "--record", "-"], stdin=record(7), env=NO_LEAK_CHECK)
    calls = [line for line in trace.read_text().splitlines() if "/root/rights" in line or "epoch=7" in line]
    text = "\n".join(calls)
    assert re.search(r'fsync\(.*\n.*rename.*"(.*/)?rights"\).*\n.*fsync\(\d+</root/rights>.*\n(.*\n)*.*write\(1.*epoch=7',
                     text), text


def keep_mail(product, subjects):
    """Messages that the standby acknowledges; waits until its agent has counted them."""
    for subject in subjects:
        with smtp(product.lab, "standby") as session:
            session.sendmail("a@outside.test", [PROBE], f"Subject: {subject}\r\n\r\nkept\r\n")
    count = subjects[-1]
    wait_for(f"{count} messages counted",
             lambda: product.status().get("standby_queue", {}).get("messages") == count, PAGE_S)


def test_a_primary_that_returns_serves_and_the_queue_waits(product):
    """spool: its `own` was never taken. The standby keeps what it has, and what still comes, until `coldmx failback`."""
    lab, seen = product.lab, len(product.lab.controller.pages())
    keep_mail(product, [1, 2, 3])
    lab.machines["primary"].power_on()
    wait_for("250 from the primary", lambda: rcpt_code(lab, "primary", PROBE) == 250, 60)
    page = page_with(product, "the primary is back", seen)
    assert "3 messages wait at the standby" in page and "coldmx failback" in page
    status = wait_for("primary told", lambda: _told(product), PAGE_S)
    assert status["state"] == "promoted" and "the primary is back" in status["trouble"]
    assert f"coldmx failback {PAIR}" in shown(product, "status", PAIR).splitlines()[-1]
    keep_mail(product, [4])  # a relay that is not held would deliver it at once
    assert not lab.machines["primary"].chroot(["find", "/var/mail/vhosts", "-type", "f"]).stdout


def _told(product):
    status, report = product.status(), _known(product, "primary")
    return status if report and report["serving"] and report["epoch"] == status["epoch"] else None


def test_a_dead_controller_never_keeps_a_primary_silent(product):
    """Rebooted by pulling the plug while nobody answers its gate: 250 within 60 s, by the rights on its disk."""
    lab, primary = product.lab, product.lab.machines["primary"]
    before = primary.read(f"{STATE}/rights")
    assert f"epoch={product.status()['epoch']}\n" in before
    lab.controller.stop(0)
    primary.unplug()
    assert rcpt_code(lab, "primary", PROBE) == 0
    primary.power_on()
    wait_for("250 from the primary", lambda: rcpt_code(lab, "primary", PROBE) == 250, 60)
    assert primary.read(f"{STATE}/rights") == before
