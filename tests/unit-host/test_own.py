"""A primary that may take mail and does not own it; a broken glass; what the agent tells a person by itself."""

import json
import time

from agents import AGENT, free_port, record, smtp, wait_for

ALL = "relay local dovecot"


# ---- delivery ----

def test_without_own_the_gate_holds_delivery_and_gives_it_back(agent):
    agent.configure(extra=agent.postconf("relay, slow"))
    agent.grant(record(3))
    assert agent.run("gate").returncode == 0 and agent.deferred() == "relay, slow"
    for epoch, own, accept in ((4, "standby", "primary,standby"), (5, "parked", "primary")):
        agent.grant(record(epoch, own=own, accept=accept))
        for _ in range(2):
            said = agent.run("gate")
            assert said.returncode == 0 and said.stderr.endswith("gives accept to the primary; delivery is held\n")
            assert agent.deferred() == ALL
    agent.grant(record(6))
    assert agent.run("gate").returncode == 0 and agent.deferred() == "relay, slow"
    assert not (agent.state / "held").exists()


def test_a_host_that_cannot_hold_delivery_does_not_start(agent):
    agent.configure(extra=f'maps = {{ postconf = "{agent.folder}/none"; }};')
    agent.grant(record(4, own="standby", accept="primary,standby"))
    said = agent.run("gate")
    assert said.returncode == 255 and "hold delivery" in said.stderr
    agent.grant(record(5))
    assert agent.run("gate").returncode == 0  # nobody needs postconf to serve


def test_an_owner_starts_although_delivery_cannot_be_given_back(agent):
    agent.configure(extra=agent.postconf("relay, slow"))
    agent.grant(record(4, own="standby", accept="primary,standby"))
    assert agent.run("gate").returncode == 0 and agent.deferred() == ALL
    agent.configure(extra=f'maps = {{ postconf = "{agent.folder}/none"; }};')
    agent.grant(record(5))
    said = agent.run("gate")
    assert said.returncode == 0 and "delivery stays held" in said.stderr and (agent.state / "held").exists()


def test_a_standbys_queue_is_the_controllers_business(agent):
    agent.configure(role="standby", extra=agent.postconf("relay"))
    agent.grant(record(4, accept="primary,standby"))
    assert agent.run("gate").returncode == 0 and agent.deferred() == "relay"


def test_gate_alone_accept_only_lasts_until_the_controller_confirms(agent, controller):
    extra = 'mode = "full"; gate_alone = "accept-only";' + agent.postconf()
    agent.configure(controller_port=free_port(), extra=extra)
    agent.grant(record(3))
    agent.new_boot()
    assert agent.run("gate").returncode == 0 and agent.deferred() == ALL
    assert agent.run("gate-own").returncode == 1
    agent.configure(controller_port=controller.server_port, extra=extra)
    controller.record = record(3)
    agent.systemctl("active", "success", dovecot=("inactive", "exec-condition"))
    assert agent.run("obey").returncode == 0
    assert agent.said() == ["--no-block restart postfix@-.service", "--no-block start dovecot.service"]
    assert agent.run("gate").returncode == 0 and agent.deferred() == ""
    assert agent.run("gate-own").returncode == 0


def test_gate_own_is_for_the_owner_only(agent):
    for epoch, own, status in ((1, "primary", 0), (2, "standby", 1), (3, "parked", 1), (4, "primary", 0)):
        agent.grant(record(epoch, own=own, accept="primary,standby"))
        assert agent.run("gate-own").returncode == status
    (agent.state / "rights").write_text("nonsense")
    assert agent.run("gate-own").returncode == 255


def test_obey_looks_again_when_the_record_changed_meanwhile(agent):
    """systemd does not watch the record while obey runs."""
    agent.grant(record(3))
    agent.systemctl("active", "success")
    script = agent.folder / "systemctl"
    (agent.folder / "next").write_text(record(4, own="parked", accept="none"))
    script.write_text(script.read_text().replace("#!/bin/sh\n", f"""#!/bin/sh
[ ! -e {agent.folder}/next ] || {{ mv {agent.folder}/next {agent.folder}/record
{AGENT} -c {agent.folder}/agent.conf grant --record {agent.folder}/record; }} >/dev/null
"""))
    assert agent.run("obey").returncode == 0
    assert agent.said() == ["--no-block restart postfix@-.service"]


# ---- break-glass ----

def test_a_broken_glass_is_told_until_a_higher_epoch_comes(agent, controller):
    agent.configure(role="standby", controller_port=controller.server_port)
    controller.record = record(7)
    agent.grant(record(7))
    assert agent.run("grant", "--break-glass", "--reason", "controller burnt down").returncode == 0
    with smtp(agent), agent.serving():
        told = "break-glass at epoch 1007: controller burnt down"
        assert wait_for(lambda: agent.health()["trouble"] == told)
        health = agent.health()
        assert health["epoch"] == 1007 and health["has_right"]
        controller.record = record(1008, accept="primary,standby")
        assert wait_for(lambda: agent.health()["trouble"] == "" and agent.health()["epoch"] == 1008)
    with agent.serving():
        controller.record = record(1009, accept="primary,standby")
        assert wait_for(lambda: agent.health()["epoch"] == 1009)
        assert agent.health()["trouble"] == "skipped with a right"
        agent.run("grant", "--break-glass", "--reason", "x" * 200)
        assert wait_for(lambda: agent.health()["trouble"].startswith("skipped with a right; break-glass at epoch 2009: xxx"))


# ---- pages of the agent's own ----

def hook(agent, body):
    path = agent.folder / "hook"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return f'notify_hook = "{path}";'


def pages(agent):
    path = agent.folder / "pages"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_the_agent_pages_although_no_controller_is_there(agent):
    extra = hook(agent, f'[ "$1" = page ] && cat >>{agent.folder}/pages')
    agent.configure(controller_port=free_port(), extra=extra)
    agent.grant(record(1))
    with agent.serving() as notify:
        assert wait_for(lambda: len(pages(agent)) == 1)
        agent.grant(record(2, own="parked", accept="none"))
        with smtp(agent):
            assert wait_for(lambda: len(pages(agent)) == 2)
            status = ""
            while "listening without one" not in status:  # what systemctl status shows
                status = notify.recv(1000).decode()
        assert "STATUS=listening without one: epoch 2 gives no right to the primary" in status
    first, second = pages(agent)
    assert first["text"] == "example: primary: skipped with a right (epoch 1 gives own to the primary)"
    assert "listening without one" in second["text"] and (first["pair"], first["severity"]) == ("example", "page")
    assert first["key"] != second["key"] and first["time"].endswith("Z")


def test_a_sick_hook_keeps_the_agent_from_nothing(agent):
    agent.configure(extra=hook(agent, "exec sleep 30"))
    agent.grant(record(1))
    with agent.serving():
        assert wait_for(lambda: agent.health()["trouble"] == "skipped with a right")
        before = agent.health()["unix_ms"]
        assert wait_for(lambda: agent.health()["unix_ms"] > before + 1000, 5)
    (agent.folder / "hook").chmod(0o777)
    with agent.serving():
        assert wait_for(lambda: "notify: " in (agent.folder / "log").read_text())
        time.sleep(1)
    assert (agent.folder / "log").read_text().count("notify: ") == 1
