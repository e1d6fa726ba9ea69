"""The lab proves itself: what it calls on is on, what it calls off is silent, and it leaves no trace."""

import os
import signal
import subprocess
import sys
import time

import pytest

from coldlab import product
from coldlab.lab import Lab, sweep
from coldlab.ledger import read_trails
from coldlab.mail import MAILBOX_BASE
from coldlab.net import HOSTS
from coldlab.proc import identity, wait_gone
from coldlab.state import State
from coldlab.traces import traces

PRIMARY, STANDBY, CTL = HOSTS["primary"], HOSTS["standby"], HOSTS["ctl"]
SWAPPED_MX = ["10 mail2.example.test.", "20 mail1.example.test."]
ONLY_STANDBY_MX = ["10 mail2.example.test."]


def pings(lab, src, address):
    """True when the address answers an ICMP echo."""
    return lab.exec(src, ["ping", "-c", "1", "-W", "1", address], check=False).returncode == 0


def reachable(lab, host, port=22):
    """Which of the host's two families accept TCP from ctl, and which answer a ping."""
    return [check(address) for address in (host.ipv4, host.ipv6)
            for check in (lambda a: lab.net.answers("ctl", a, port), lambda a: pings(lab, "ctl", a))]


def wait_until(condition, timeout_s=30.0):
    """True when the condition came true within the time."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.1)
    return False


def banner(lab, address, src="ctl"):
    """A connection to port 25 whose greeting was read; (socket, greeting)."""
    sock = lab.net.connect(src, address, 25)
    sock.settimeout(10)
    return sock, sock.recv(512).decode()


def test_machines_boot_and_are_reached_in_both_families_through_the_router(lab):
    lab.machines["standby"].power_on()
    for name, host in (("primary", PRIMARY), ("standby", STANDBY)):
        assert lab.machines[name].wait_booted() == "running"
        assert reachable(lab, host) == [True] * 4
    route = lab.exec("ctl", ["ip", "route", "get", PRIMARY.ipv4]).stdout
    assert "via 198.51.100.1" in route
    for address in (PRIMARY.ipv4, PRIMARY.ipv6):
        assert banner(lab, address)[1].startswith("220 mail1.example.test")
        scanned = lab.exec("ctl", ["ssh-keyscan", "-t", "ed25519", address]).stdout
        assert lab.machines["primary"].host_key() in scanned
    assert lab.machines["primary"].host_key() != lab.machines["standby"].host_key()


def test_there_is_no_way_out_of_the_lab(lab):
    for address in ("203.0.113.1", "2001:db8:ffff::1"):
        assert not lab.net.answers("ctl", address, 53)
    assert lab.exec("router", ["ip", "route", "show", "default"]).stdout == ""
    assert lab.exec("router", ["ip", "-6", "route", "show", "default"]).stdout == ""


def test_a_machine_that_is_off_answers_nothing(lab):
    assert reachable(lab, PRIMARY) == [True] * 4
    lab.machines["primary"].power_off()
    assert reachable(lab, PRIMARY) == [False] * 4
    assert not pings(lab, "hyper", PRIMARY.ipv4)
    assert "Reached target poweroff.target" in lab.machines["primary"].journal("-n", "50")


def test_a_pulled_plug_is_silent_and_the_disk_survives(lab):
    machine = lab.machines["primary"]
    before = machine.boot_id()
    machine.exec(["sh", "-c", "echo kept >/var/lib/lab-kept"])
    sock, greeting = banner(lab, PRIMARY.ipv4)
    assert greeting.startswith("220 ")
    machine.unplug()
    assert not machine.running()
    sock.settimeout(2)
    with pytest.raises(TimeoutError):
        sock.recv(1)
    assert reachable(lab, PRIMARY, 25) == [False] * 4
    machine.power_on()
    lab.net.wait_answer("ctl", PRIMARY.ipv6, 25, 60)
    assert machine.read("/var/lib/lab-kept") == "kept\n"
    assert machine.boot_id() != before


def test_hyper_boots_and_stops_over_ssh_and_runs_nothing_else(lab):
    assert lab.ssh("hyper", "machine status standby").stdout == "off\n"
    done = lab.ssh("hyper", "machine on standby")
    assert (done.returncode, done.stdout) == (0, "on\n")
    lab.net.wait_answer("ctl", STANDBY.ipv4, 22)
    assert lab.ssh("hyper", "machine status standby", family=6).stdout == "on\n"
    assert lab.ssh("hyper", "machine off standby").stdout == "off\n"
    assert not lab.machines["standby"].running()
    assert reachable(lab, STANDBY) == [False] * 4
    for refused in ("id", "machine on hyper", "machine on standby; id", "machine wipe standby"):
        done = lab.ssh("hyper", refused)
        assert (done.returncode, done.stdout) == (2, "")


def test_hyper_faults(lab):
    def on():
        done = lab.ssh("hyper", "machine on standby")
        return done.returncode, done.stdout, lab.machines["standby"].running()

    lab.hyper.fault("fail")
    assert on() == (1, "", False)
    lab.hyper.fault("lie")
    assert on() == (0, "on\n", False)
    assert lab.ssh("hyper", "machine status standby").stdout == "off\n"
    lab.hyper.fault("hang")
    with pytest.raises(subprocess.TimeoutExpired):
        lab.ssh("hyper", "machine on standby", timeout_s=4)
    assert not lab.machines["standby"].running()
    assert wait_until(lambda: "coldlab.power" not in " ".join(traces(lab.state.lab_id)))
    lab.hyper.fault("flaky")
    assert on() == (1, "", False)
    assert on() == (0, "on\n", True)


def test_an_update_reaches_the_secondary_and_only_the_granted_names(lab):
    assert lab.dns.set_mx(SWAPPED_MX)[0]
    lab.dns.wait_mx("ns2", SWAPPED_MX)
    assert lab.dns.mx("ns2", family=6) == SWAPPED_MX
    assert lab.dns.update("update add _coldmx.example.test. 5 TXT epoch=1")[0]
    assert lab.dns.query("ns1", "_coldmx.example.test", "TXT") == ['"epoch=1"']
    assert lab.dns.update("update delete _coldmx.example.test. TXT")[0]
    for other in ("www.example.test. 5 A 192.0.2.99", "example.test. 5 TXT other",
                  "sub.example.test. 5 MX 10 mail2.example.test."):
        succeeded, said = lab.dns.update(f"update add {other}")
        assert not succeeded and "REFUSED" in said
    assert not lab.dns.update("update add example.test. 5 MX 30 mail2.example.test.", "transfer")[0]
    assert lab.dns.mx("ns1") == SWAPPED_MX


def test_a_secondary_goes_on_when_the_primary_name_server_is_dead(lab):
    lab.dns.stop("ns1")
    try:
        assert lab.dns.mx("ns1") == []
        assert len(lab.dns.mx("ns2")) == 2
    finally:
        lab.dns.start("ns1")
        lab.dns.wait_up()


def test_the_sender_follows_the_mx_and_mail_lands_by_starttls(lab):
    ledger = lab.ledger()
    lab.dns.set_mx(ONLY_STANDBY_MX)
    lab.dns.wait_mx("ns2", ONLY_STANDBY_MX)
    assert wait_until(lambda: lab.dns.mx("resolver") == ONLY_STANDBY_MX)
    ledger.start()
    assert wait_until(lambda: len(ledger.submitted) >= 3)
    ledger.stop()
    time.sleep(6)
    assert ledger.accepted() == {} and not ledger.delivered()
    lab.dns.set_mx(["10 mail1.example.test.", "20 mail2.example.test."])
    assert ledger.wait_settled(60), ledger.report()
    assert {relay.split("[")[0] for relay in ledger.accepted().values()} == {"mail1.example.test"}
    assert lab.machines["sender"].read("/var/log/mail.log").count(
        "Trusted TLS connection established to mail1.example.test") > 0
    inbox = lab.machines["primary"].root / MAILBOX_BASE.lstrip("/") / "example.test/user2/new"
    assert any("using TLSv1.3" in path.read_text() for path in inbox.iterdir())


def test_cuts_and_heals(lab):
    def sees():
        return [lab.net.answers("ctl", address, 25) for address in (PRIMARY.ipv4, PRIMARY.ipv6)]

    assert sees() == [True, True]
    lab.net.cut_family("primary", 6)
    assert sees() == [True, False]
    lab.net.heal()
    lab.net.cut_between("ctl", "primary", one_way=True)
    assert sees() == [False, False]
    assert lab.net.answers("sender", PRIMARY.ipv4, 25)
    lab.net.heal("ctl")
    assert sees() == [True, True]
    lab.net.cut("ctl")
    assert sees() == [False, False] and not lab.net.answers("ctl", HOSTS["hyper"].ipv4, 22)
    assert lab.net.answers("sender", PRIMARY.ipv6, 25)
    lab.net.heal()
    lab.net.lose("ctl", 50)
    heard = sum(pings(lab, "ctl", PRIMARY.ipv4) for _ in range(8))
    assert 0 < heard < 8 or sum(pings(lab, "ctl", PRIMARY.ipv4) for _ in range(20)) < 20


def test_a_hung_postfix_accepts_and_says_nothing(lab):
    machine = lab.machines["primary"]
    banner(lab, PRIMARY.ipv4)[0].close()
    machine.mail_signal("STOP")
    try:
        sock = lab.net.connect("ctl", PRIMARY.ipv4, 25)
        sock.settimeout(2)
        with pytest.raises(TimeoutError):
            sock.recv(1)
    finally:
        machine.mail_signal("CONT")
    assert sock.recv(512).startswith(b"220 ")
    machine.mail_signal("KILL")
    assert wait_until(lambda: not lab.net.answers("ctl", PRIMARY.ipv4, 25), 5)
    assert lab.net.answers("ctl", PRIMARY.ipv4, 22)
    machine.exec(["systemctl", "restart", "postfix@-.service"])


def test_by_hand_the_standby_spools_and_the_primary_gets_it_all(lab):
    standby, primary = lab.machines["standby"], lab.machines["primary"]
    standby.power_on()
    lab.net.wait_answer("ctl", STANDBY.ipv4, 22)
    assert standby.wait_booted() == "running"
    assert standby.exec(["ss", "-Hltn", "sport = :25"]).stdout != ""
    with pytest.raises(ConnectionRefusedError):
        lab.net.connect("ctl", STANDBY.ipv4, 25)
    standby.exec(["nft", "add", "rule", "inet", "coldmx", "smtp", "accept"])
    primary.unplug()
    ledger = lab.ledger()
    ledger.start()
    assert wait_until(lambda: len(ledger.submitted) >= 20)
    ledger.stop()
    assert wait_until(lambda: len(ledger.accepted()) == len(ledger.submitted), 60), ledger.report()
    assert {relay.split("[")[0] for relay in ledger.accepted().values()} == {"mail2.example.test"}
    assert ledger.missing() == sorted(ledger.submitted)
    primary.power_on()
    lab.net.wait_answer("standby", PRIMARY.ipv4, 25, 60)
    time.sleep(2)
    assert not ledger.delivered()
    standby.exec(["postconf", "-e", "defer_transports="])
    standby.exec(["postfix", "reload"])
    standby.exec(["postqueue", "-f"])
    assert ledger.wait_settled(60), ledger.report()
    assert standby.exec(["postqueue", "-j"]).stdout == ""
    standby.exec(["postconf", "-e", "defer_transports=relay"])


def test_the_ledger_notices_a_lost_message_and_an_unexplained_double(lab):
    ledger = lab.ledger()
    ledger.start()
    assert wait_until(lambda: len(ledger.submitted) >= 10)
    ledger.stop()
    assert ledger.wait_settled(60), ledger.report()
    assert ledger.missing() == [] and ledger.doubles() == {}
    inbox = lab.machines["primary"].root / MAILBOX_BASE.lstrip("/") / "example.test/user2/new"
    newest = max(inbox.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    content = newest.read_text()
    newest.with_name("copy").write_text(content)
    assert [entry for entry in ledger.doubles().values()] == [(2, [])]
    assert "NO REASON FOUND" in ledger.report()
    newest.with_name("copy").unlink()
    newest.unlink()
    assert len(ledger.missing()) == 1


LOST_ANSWERS = """\
postfix/cleanup[7]: 4bX1Y2Z3aa: message-id=<31.ab12@outside.test>
postfix/qmgr[8]: 4bX1Y2Z3aa: from=<load@outside.test>, size=400, nrcpt=1 (queue active)
postfix/smtp[9]: 4bX1Y2Z3aa: lost connection with mail1.example.test[192.0.2.10] {end}
postfix/smtp[9]: 4bX1Y2Z3aa: conversation with mail1.example.test[2001:db8:2::10] timed out {end}
postfix/smtp[9]: 4bX1Y2Z3aa: lost connection with mail2.example.test[192.0.2.20] while receiving the greeting
postfix/smtp[9]: 4bX1Y2Z3aa: to=<user1@example.test>, relay=mail2.example.test[2001:db8:2::20]:25, delay=9, \
delays=0/0/9/0, dsn=4.4.2, status=deferred (lost connection with mail2.example.test[2001:db8:2::20] {end})
""".replace("{end}", "while sending end of data -- message may be sent more than once")


def test_the_ledger_reads_a_lost_answer_with_a_status_and_without():
    trail = read_trails(LOST_ANSWERS, "ab12")[31]
    assert trail.unconfirmed == ["mail1.example.test[192.0.2.10]", "mail1.example.test[2001:db8:2::10]",
                                 "mail2.example.test[2001:db8:2::20]:25"]
    assert not trail.sent and sum(trail.deferred.values()) == 1


def fake_product(folder):
    """A tree as `make install DESTDIR=` leaves it, with programs that only show that they ran."""
    command = folder / "usr/lib/coldmx/coldmx-host"
    command.parent.mkdir(parents=True)
    command.write_text('#!/bin/sh\necho "asked: $SSH_ORIGINAL_COMMAND"; sudo -n /usr/lib/coldmx/coldmx-host-root\n')
    root_command = folder / "usr/lib/coldmx/coldmx-host-root"
    root_command.write_text("#!/bin/sh\nid -un\n")
    for path in (command, root_command):
        path.chmod(0o755)
    unit = folder / "lib/systemd/system/coldmx-agent.service"
    unit.parent.mkdir(parents=True)
    unit.write_text("[Service]\nExecStart=/bin/cat /etc/coldmx/agent.conf\nRemainAfterExit=yes\nType=oneshot\n"
                    "[Install]\nWantedBy=multi-user.target\n")
    for kind in ("path", "service"):
        name = f"coldmx-agent-obey.{kind}"
        (unit.parent / name).write_text((product.REPOSITORY / "etc/systemd" / name).read_text())


def test_the_product_is_installed_and_only_ctl_may_use_its_key(tmp_path):
    fake_product(tmp_path)
    lab = Lab.up(power=())
    try:
        lab.install_product(tmp_path, {name: {"/etc/coldmx/agent.conf": f"I am {name}\n"}
                                       for name in ("primary", "standby")})
        lab.boot("primary", "standby")
        for name in ("primary", "standby"):
            machine = lab.machines[name]
            assert machine.wait_booted() == "running"
            assert f"I am {name}" in machine.journal("-u", "coldmx-agent.service")
            for family in (4, 6):
                said = lab.ssh(name, "hello there", user="coldmx", family=family)
                assert said.stdout == "asked: hello there\nroot\n", said.stderr
        assert lab.machines["standby"].exec(["postconf", "-h", "relay_domains"]).stdout == "\n"
        argv = ["ssh", "-F", "none", "-i", lab.ssh_key, "-o", "BatchMode=yes", "-o", "ConnectTimeout=5", "-o",
                f"UserKnownHostsFile={lab.known_hosts}", f"coldmx@{PRIMARY.ipv4}", "hello"]
        for src in ("hyper", "ns1"):
            done = lab.exec(src, argv, check=False)
            assert done.returncode == 255 and "Permission denied" in done.stderr
    finally:
        lab.down()


def test_the_controller_runs_at_ctl_with_the_labs_resolver(lab, tmp_path):
    daemon = tmp_path / "fake-coldmxd"
    daemon.write_text('#!/bin/sh\ncat "$2" /etc/resolv.conf; ip -br addr; exec sleep 600\n')
    daemon.chmod(0o755)
    text = lab.render("coldmx.conf.in")
    assert f'v6 = "{PRIMARY.ipv6}";' in text and 'unknown_recipient = "coldmx-nobody@example.test";' in text
    lab.start_controller(daemon, text)
    assert wait_until(lambda: CTL.ipv6 in lab.controller.log())
    assert text in lab.controller.log()
    assert f"nameserver {HOSTS['resolver'].ipv4}" in lab.controller.log()
    assert lab.controller.running()
    lab.controller.stop(grace_s=0)
    assert not lab.controller.running()
    assert lab.coldmx("/bin/sh", "-c", 'echo "$COLDMX_SOCKET"').stdout.strip() == str(lab.control_socket)
    with pytest.raises(KeyError, match="NOT_KNOWN"):
        product.fill("port = @NOT_KNOWN@;", {})


JSON_DAEMON = """\
import http.server, socketserver, sys
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(('{"path": "%s"}' % self.path).encode())
    def address_string(self):
        return "unix"
socketserver.UnixStreamServer(sys.argv[1], Answer).serve_forever()
"""


def test_json_is_read_from_the_controllers_socket(lab, tmp_path):
    path = tmp_path / "socket"
    assert lab.controller.get_json(path, "/v1/status") == {}
    with subprocess.Popen([sys.executable, "-c", JSON_DAEMON, path]) as daemon:
        try:
            assert wait_until(path.exists)
            assert wait_until(lambda: lab.controller.get_json(path, "/v1/status") == {"path": "/v1/status"}, 5)
        finally:
            daemon.kill()


def test_certificates_carry_names_and_addresses(lab):
    cert, _ = lab.pki.issue("extra.example.test", names=[PRIMARY.ipv4, PRIMARY.ipv6, "other.example.test"])
    for kind, name in (("host", "extra.example.test"), ("host", "other.example.test"), ("ip", PRIMARY.ipv4),
                       ("ip", PRIMARY.ipv6)):
        checked = ["openssl", "verify", "-CAfile", lab.pki.ca_cert, f"-verify_{'hostname' if kind == 'host' else kind}"]
        assert subprocess.run([*checked, name, cert], capture_output=True, check=False).returncode == 0
    assert subprocess.run([*checked[:-1], "-verify_ip", STANDBY.ipv4, cert], capture_output=True,
                          check=False).returncode != 0


def test_two_labs_run_at_once_and_do_not_see_each_other(lab):
    other = Lab.up()
    try:
        assert other.machines["primary"].host_key() != lab.machines["primary"].host_key()
        other.net.cut("primary")
        assert not other.net.answers("ctl", PRIMARY.ipv4, 25)
        assert lab.net.answers("ctl", PRIMARY.ipv4, 25)
        other.net.heal()
        ledgers = [lab.ledger(), other.ledger()]
        for ledger in ledgers:
            ledger.start()
        assert wait_until(lambda: all(len(ledger.submitted) >= 5 for ledger in ledgers))
        for ledger in ledgers:
            ledger.stop()
        assert all(ledger.wait_settled(60) for ledger in ledgers)
        other.machines["primary"].exec(["systemctl", "stop", "postfix@-.service"])
        assert not other.net.answers("ctl", PRIMARY.ipv4, 25)
        assert banner(lab, PRIMARY.ipv4)[1].startswith("220 ")
    finally:
        other.down()
    assert traces(other.state.lab_id) == []
    assert banner(lab, PRIMARY.ipv4)[1].startswith("220 ")


OWNER_PROGRAM = """\
import time
from coldlab.lab import Lab
print(Lab.up().state.lab_id, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("guard_dies_too", [False, True], ids=["guarded", "swept"])
def test_a_killed_lab_leaves_nothing(guard_dies_too, monkeypatch):
    # Below a root of its own: any other lab that begins meanwhile would sweep it before we look.
    monkeypatch.setenv("COLDMX_LAB_STATE", f"/run/coldmx-lab-{os.getpid()}")
    env = {**os.environ, "PYTHONPATH": os.path.dirname(os.path.abspath(__file__))}
    with subprocess.Popen([sys.executable, "-c", OWNER_PROGRAM], env=env, text=True,
                          stdout=subprocess.PIPE) as owner:
        lab_id = owner.stdout.readline().strip()
        state = State(lab_id)
        kinds = {line.split()[0] for line in traces(lab_id)}
        assert kinds >= {"folder", "namespace", "mount", "control", "process"}
        assert lab_id not in sweep()
        if guard_dies_too:
            guard = state.read("procs/guard")
            os.kill(guard["pid"], signal.SIGKILL)
            assert wait_gone(guard, 5)
        os.kill(owner.pid, signal.SIGKILL)
    if guard_dies_too:
        assert identity(owner.pid) is None and traces(lab_id) != []
        assert lab_id in sweep()
    else:
        assert wait_until(lambda: not state.dir.exists(), 30)
    assert wait_until(lambda: traces(lab_id) == [], 10), traces(lab_id)
