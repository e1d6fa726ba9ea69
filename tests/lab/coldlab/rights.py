"""A pair whose hosts know of each other, of the marker, and page by themselves; and what tests of rights look at."""

import contextlib
import secrets
import smtplib
import time

from . import failover, mail
from .failover import BUILD, wait_for
from .net import HOSTS

UNIT = "postfix@-.service"
PAGE_S = 30  # within which a person must know
SECONDS = 30  # "within seconds": a poll, a restart, all of it on a machine that is busy with other labs
PROBE = "probe@example.test"
STATE = "/var/lib/coldmx-agent"
OTHER = {"primary": "standby", "standby": "primary"}


def rights_conf(role):
    """What both hosts have besides the lab's agent.conf."""
    peer, ns1 = HOSTS[OTHER[role]], HOSTS["ns1"]
    return f"""
peer = {{ addresses = ( "{peer.ipv4}:8826" ); token_file = "/etc/coldmx/peer.token"; ca_file = "/etc/coldmx/ca.crt";
  name = "{mail.NAMES[OTHER[role]]}"; }};
marker = {{ domain = "example.test"; key_file = "/etc/coldmx/marker.key"; servers = ( "{ns1.ipv4}:53" ); }};
notify_hook = "/etc/coldmx/notify";
"""


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


def serves(lab, host="primary"):
    """250 to a known recipient from outside."""
    try:
        with smtp(lab, host) as session:
            session.mail("a@outside.test")
            return session.rcpt(PROBE)[0] == 250
    except (OSError, smtplib.SMTPException):
        return False


def stored(machine):
    """The rights record as the host has it, {} while there is none."""
    path = machine.root / STATE.lstrip("/") / "rights"
    lines = path.read_text().splitlines()[1:] if path.exists() else []
    return dict(line.split("=", 1) for line in lines)


def deferred(machine):
    """Transports whose delivery is held."""
    return machine.exec(["postconf", "-h", "defer_transports"]).stdout.split()


def delivered(machine):
    """Messages in mailboxes."""
    return len(machine.chroot(["find", "/var/mail/vhosts", "-type", "f", "-path", "*/new/*"]).stdout.split())


def flushed(machine):
    """What was deferred is tried at once; not while Postfix restarts."""
    return machine.exec(["postqueue", "-f"], check=False).returncode == 0


def reboot(product, machine):
    """By pulling the plug; returns how long it takes to a 250, measured from the power button."""
    machine.unplug()
    assert not serves(product.lab)
    began = time.monotonic()
    machine.power_on()
    wait_for("250 from the primary", lambda: serves(product.lab), 60)
    return time.monotonic() - began


@contextlib.contextmanager
def rights_lab():
    """The product on two hosts that know of each other, a controller, and a primary that serves."""
    with failover.product_lab(primary_on=False) as product:
        product.start(MODE="manual")
        key = product.lab.controller.run(BUILD / "coldmxd", "--print-marker-key=example.test").stdout
        token = secrets.token_hex(32)
        for role in OTHER:
            machine, primary = product.lab.machines[role], HOSTS["primary"]
            machine.write("/etc/coldmx/agent.conf", machine.read("/etc/coldmx/agent.conf") + rights_conf(role))
            machine.write("/etc/coldmx/peer.token", token + "\n", 0o640, "root:coldmx-agent")
            machine.write("/etc/coldmx/marker.key", key, 0o640, "root:coldmx-agent")
            machine.write("/etc/coldmx/notify", f"#!/bin/sh\nexec cat >>{STATE}/pages\n", 0o755)
            machine.write("/etc/coldmx/nftables/local.d/peer.nft",
                          f"add rule inet coldmx site ip saddr {primary.ipv4} tcp dport 8826 accept\n")
        product.lab.machines["primary"].power_on()
        product.wait_ready(180)
        yield product
