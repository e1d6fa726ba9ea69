"""coldmx-agent as it is built: its words, its gate, its daemon, its maps (whom it asks besides: test_consult.py)."""

import contextlib
import os
import socket
import subprocess
import time

from agents import BOOT_ID, NONCE, TOKEN, TOP, free_port, record, smtp, wait_for

# ---- words ----

def test_gate_without_a_record_goes_by_the_place(agent):
    said = agent.run("gate")
    assert (said.returncode, said.stderr) == (0, "gate: no rights record yet: a primary serves\n")
    agent.configure(role="standby")
    said = agent.run("gate")
    assert (said.returncode, said.stderr) == (1, "gate: no rights record yet: a standby waits for its grant\n")


def test_gate_tells_its_own_errors_apart(agent):
    agent.configure(extra='gate_alome = "serve";')
    said = agent.run("gate")
    assert said.returncode == 255
    assert "agent.conf:7: " in said.stderr and "gate_alone" in said.stderr
    agent.configure()
    agent.grant(record(1))
    (agent.state / "rights").write_text(record(1)[:-5])
    said = agent.run("gate")
    assert said.returncode == 255 and "truncated" in said.stderr


def test_grant_keeps_the_highest_epoch(agent):
    assert agent.run("rights").stdout == "epoch=0\nholder=primary\nown=none\naccept=none\n"
    said = agent.grant(record(7, accept="primary,standby"))
    assert (said.returncode, said.stdout, said.stderr) == (0, "epoch=7\n", "")
    assert agent.grant(record(7, accept="primary,standby", issued=5)).returncode == 0
    for refused, why in ((record(6), "epoch 6 is lower"), (record(7), "other rights"), (record(8, pair="other"), "pair other"),
                         (record(9)[:-1], "truncated"), ("", "truncated"), ("x" * 5000, "longer than")):
        said = agent.grant(refused)
        assert said.returncode == 1 and said.stdout == "" and why in said.stderr
        assert said.stderr.count("\n") == 1
    assert agent.run("rights").stdout == "epoch=7\nholder=primary\nown=primary\naccept=primary,standby\n"
    (agent.folder / "r").write_text(record(8, own="parked", accept="none"))
    assert agent.run("grant", "--record", agent.folder / "r").stdout == "epoch=8\n"
    assert agent.run("gate").returncode == 1


def test_break_glass_needs_no_controller_and_yields_to_a_higher_epoch(agent):
    agent.configure(role="standby")
    agent.grant(record(7))
    assert agent.run("gate").returncode == 1
    assert agent.run("grant", "--break-glass").returncode == 2
    said = agent.run("grant", "--break-glass", "--reason", "controller burnt down")
    assert said.returncode == 0 and "warning" in said.stderr
    assert agent.run("gate").returncode == 0
    assert "controller burnt down" in (agent.state / "break-glass").read_text()
    assert agent.stored().startswith("coldmx-rights 1\npair=example\nepoch=1007\nown=standby\naccept=primary,standby\n")
    for stale in (record(7), record(1007)):
        assert agent.grant(stale).returncode == 1
    assert agent.grant(record(1008)).returncode == 0
    assert agent.run("gate").returncode == 1


def test_boots_and_orders_are_kept(agent):
    assert agent.run("boot-order", "short").returncode == 2
    assert agent.run("boot-order", "../../../etc").returncode == 2
    for _ in range(2):
        said = agent.run("boot-order", NONCE)
        assert (said.returncode, said.stdout) == (0, f"boot_id={BOOT_ID}\n")
    lines = agent.run("boots").stdout.splitlines()
    assert len(lines) == 1 and lines[0].split()[:2] == [BOOT_ID, NONCE]


# ---- the gate asks ----

def test_gate_of_a_returning_primary_asks_first(agent, controller):
    agent.configure(controller_port=controller.server_port)
    agent.grant(record(3))
    agent.new_boot()
    controller.record = record(4, own="parked", accept="standby")
    said = agent.run("gate")
    assert said.returncode == 1 and "gives no right" in said.stderr
    assert agent.stored() == controller.record
    assert controller.seen == [("GET", "/v1/agent/example/primary/rights", b"", True)]
    controller.record = record(3)  # a controller that is behind changes nothing
    agent.new_boot()
    said = agent.run("gate")
    assert said.returncode == 1 and "lower than the stored epoch" in said.stderr


def test_gate_asks_once_a_boot(agent, controller):
    agent.configure(controller_port=controller.server_port)
    for _ in range(3):
        assert agent.run("gate").returncode == 0
    assert len(controller.seen) == 1


def test_silence_is_no_reason_to_refuse_mail(agent, pki):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for extra in ("", 'mode = "full"; gate_alone = "accept-only"; returning_primary = "wait";'):
            agent.configure(controller_port=silent.getsockname()[1], extra=extra + agent.postconf(), gate_wait="1 s")
            for stored in (None, record(3), record(4, accept="primary,standby")):
                if stored:
                    agent.grant(stored)
                agent.new_boot()
                began = time.monotonic()
                said = agent.run("gate")
                assert said.returncode == 0, said.stderr
                assert 0.9 < time.monotonic() - began < 8


def test_an_impostor_is_not_heard(agent, controller, pki):
    controller.record = record(9, own="parked", accept="none")
    agent.configure(controller_port=controller.server_port, extra="")
    conf = agent.folder / "agent.conf"
    conf.write_text(conf.read_text().replace("/ca.crt", "/other.crt"))
    said = agent.run("gate")
    assert said.returncode == 0 and "no confirmation" in said.stderr
    conf.write_text(conf.read_text().replace("/other.crt", "/ca.crt") + 'controller_name = "mx.example.test";\n')
    assert agent.run("gate").returncode == 0
    assert not controller.seen
    conf.write_text(conf.read_text().replace("mx.example.test", "ctl.example.test"))
    assert agent.run("gate").returncode == 1


# ---- mail follows the record ----

def test_obey(agent):
    unit = "postfix@-.service"
    rows = ((record(2), "active", "success", []), (record(3, own="parked", accept="none"), "active", "success",
                                                   [f"--no-block restart {unit}"]),
            (record(4, own="parked", accept="none"), "inactive", "exec-condition", []),
            (record(5), "inactive", "exec-condition", [f"--no-block start {unit}"]),
            (record(6), "inactive", "success", []))
    for text, active, result, want in rows:
        assert agent.grant(text).returncode == 0
        agent.systemctl(active, result)
        assert agent.run("obey").returncode == 0
        assert agent.said() == want
    agent.grant(record(7, own="standby", accept="primary,standby"))
    agent.systemctl("active", "success", dovecot=("active", "success"))  # delivery is to be held: the gate does it
    assert agent.run("obey").returncode == 0
    assert agent.said() == [f"--no-block restart {unit}", "--no-block restart dovecot.service"]
    agent.grant(record(8))
    agent.systemctl("active", "success", dovecot=("inactive", "exec-condition"))
    assert agent.run("obey").returncode == 0 and agent.said() == ["--no-block start dovecot.service"]
    agent.configure(role="standby")
    agent.grant(record(9, accept="primary,standby"))
    agent.systemctl("inactive", "exec-condition")
    assert agent.run("obey").returncode == 0 and agent.said() == []
    agent.grant(record(10))
    agent.systemctl("active", "success")
    assert agent.run("obey").returncode == 0 and agent.said() == [f"--no-block restart {unit}"]


# ---- the daemon ----

def test_health_and_rights_over_https(agent):
    agent.grant(record(7, accept="primary,standby"))
    agent.run("boot-order", NONCE)
    with smtp(agent), agent.serving() as notify:
        status, health = agent.ask("/v1/health")
        assert status == 200
        want = {"boot_id": BOOT_ID, "serving": True, "has_right": True, "epoch": 7, "boot_order": NONCE, "trouble": ""}
        assert {key: health[key] for key in want} == want
        assert health["disk_free_mb"] > 0 and abs(health["unix_ms"] / 1000 - time.time()) < 30
        status, rights = agent.ask("/v1/rights")
        assert (status, rights["own"], rights["accept"]) == (200, "primary", "primary,standby")
        assert agent.ask("/v1/health", token=None)[0] == 401
        assert agent.ask("/v1/health", token=TOKEN[:-1])[0] == 401
        assert agent.ask("/v1/health", token="wrong")[0] == 401
        assert agent.ask("/v1/health", method="POST", body="x" * 100000)[0] == 405
        assert agent.ask("/v1/rights/")[0] == 404
        assert b"WATCHDOG=1" in notify.recv(256)
    assert TOKEN not in (agent.folder / "log").read_text()


def test_both_troubles_are_named(agent):
    agent.grant(record(1))
    with agent.serving():
        assert wait_for(lambda: agent.health()["trouble"] == "skipped with a right")
        assert agent.health()["serving"] is False
        agent.grant(record(2, own="parked", accept="none"))
        assert wait_for(lambda: agent.health()["trouble"] == "")
        with smtp(agent):
            assert wait_for(lambda: agent.health()["trouble"] == "listening without one")
            agent.grant(record(3))
            assert wait_for(lambda: agent.health()["trouble"] == "" and agent.health()["serving"])


def test_a_hung_mail_system_does_not_serve(agent):
    agent.grant(record(1))
    with smtp(agent, greeting=b""):
        agent.configure(extra='smtp_timeout = "300 ms";')
        with agent.serving():
            assert agent.health()["serving"] is False


def test_daemon_learns_and_tells(agent, controller):
    domains, boxes = agent.folder / "domains", agent.folder / "boxes"
    domains.write_text("example.org\n")
    boxes.write_text("alice@example.org x\n@example.org y\n")
    agent.configure(controller_port=controller.server_port,
                    extra=f'maps = {{ domains = ( "{domains}" ); mailboxes = ( "{boxes}" ); }};')
    bundle = agent.run("maps-export").stdout
    with agent.serving():
        assert wait_for(lambda: agent.health()["epoch"] == 1)
        controller.record = record(2, own="parked", accept="standby")
        assert wait_for(lambda: agent.health()["epoch"] == 2) and not agent.health()["has_right"]
        assert agent.stored() == controller.record
        controller.record = record(1)
        agent.run("boot-order", NONCE)
        boots = "/v1/agent/example/primary/boots"
        assert wait_for(lambda: ("POST", boots, f"boot_id={BOOT_ID}\norder={NONCE}\n".encode(), True) in controller.seen)
        assert agent.health()["epoch"] == 2
        boxes.write_text("bob@example.org x\n")
        maps = "/v1/agent/example/primary/maps"
        assert wait_for(lambda: any(s[0] == "PUT" and b"bob@" in s[2] for s in controller.seen))
        pushed = [s[2].decode() for s in controller.seen if s[:2] == ("PUT", maps)]
        assert pushed == [bundle, agent.run("maps-export").stdout]  # only what changed
    assert all(entitled for *_, entitled in controller.seen)


def test_daemon_outlives_its_controller(agent):
    agent.configure(controller_port=free_port())
    agent.grant(record(1))
    with smtp(agent), agent.serving():
        time.sleep(1.2)
        assert agent.health()["serving"] and agent.health()["has_right"]


# ---- maps ----

def test_exported_maps_install_on_the_standby(agent, tmp_path):
    (tmp_path / "domains").write_text("# ours\nexample.org OK\nexample.net\tOK\n")
    (tmp_path / "boxes").write_text('alice@example.org  example.org/alice/\n@example.net x\nAlice@EXAMPLE.org y\n')
    (tmp_path / "virtual").write_text("sales@example.org\n  alice@example.org,\n  bob@elsewhere.test\nx@elsewhere.test y\n")
    (tmp_path / "routes").write_text("example.org lmtp:unix:private/dovecot-lmtp\n")
    agent.configure(extra=f"""maps = {{ domains = ( "{tmp_path}/domains" ); mailboxes = ( "{tmp_path}/boxes" );
 aliases = ( "{tmp_path}/virtual" ); transport = ( "{tmp_path}/routes" ); }};""")
    said = agent.run("maps-export")
    assert said.returncode == 0, said.stderr
    (tmp_path / "bundle").write_text(said.stdout)
    (tmp_path / "out").mkdir()
    for table in ("relay_domains", "relay_recipients", "aliases", "transport", "primary_transport"):
        (tmp_path / "out" / table).touch()
    read = subprocess.run(["awk", "-f", TOP / "hooks/host/lib/maps.awk", "-v", f"out={tmp_path}/out", "-v", "pair=example",
                           "-v", "next_hop=relay:[192.0.2.1]:25", tmp_path / "bundle"], capture_output=True, text=True,
                          timeout=60, check=False)
    assert (read.returncode, read.stdout, read.stderr) == (0, "domains=2\nrecipients=3\n", "")
    recipients = (tmp_path / "out/relay_recipients").read_text()
    assert sorted(line.split("\t")[0] for line in recipients.splitlines()) == ["@example.net", "alice@example.org",
                                                                               "sales@example.org"]


def test_a_table_that_cannot_be_read_is_no_gap(agent, tmp_path):
    (tmp_path / "domains").write_text("example.org\n")
    for boxes in ("", "no value here is fine\n\x01bad@example.org x\n"):
        (tmp_path / "boxes").write_text(boxes)
        agent.configure(extra=f'maps = {{ domains = ( "{tmp_path}/domains" ); mailboxes = ( "{tmp_path}/boxes" ); }};')
        said = agent.run("maps-export")
        assert said.returncode == 1 and said.stdout == "" and said.stderr.count("\n") == 1
    agent.configure(extra=f'maps = {{ domains = ( "{tmp_path}/none" ); }};')
    assert "none" in agent.run("maps-export").stderr
