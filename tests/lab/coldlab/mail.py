"""Postfix on the primary, on the standby (spool mode) and at the outside sender."""

from .dns import ZONE
from .net import HOSTS

NAMES = {"primary": f"mail1.{ZONE}", "standby": f"mail2.{ZONE}", "sender": "sender.outside.test"}
USERS = ("probe", "postmaster", "user1", "user2", "user3", "user4", "user5", "leaver")
MAILBOX_UID = 5000
MAILBOX_BASE = "/var/mail/vhosts"
RETRY_S = 5

COMMON_CF = """\
compatibility_level = 3.6
myhostname = {name}
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
inet_protocols = all
mynetworks = 127.0.0.0/8 [::1]/128
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
enable_long_queue_ids = yes
biff = no
"""
TLS_CF = """\
inet_interfaces = all
smtpd_tls_cert_file = /etc/postfix/tls.crt
smtpd_tls_key_file = /etc/postfix/tls.key
smtpd_tls_security_level = may
smtpd_tls_received_header = yes
smtp_tls_security_level = may
smtp_tls_CAfile = /etc/postfix/lab-ca.crt
"""
PRIMARY_CF = f"""\
virtual_mailbox_domains = {ZONE}
virtual_mailbox_maps = hash:/etc/postfix/mailboxes
virtual_mailbox_base = {MAILBOX_BASE}
virtual_uid_maps = static:{MAILBOX_UID}
virtual_gid_maps = static:{MAILBOX_UID}
"""
STANDBY_CF = """\
relay_domains = hash:/etc/postfix/relay_domains
relay_recipient_maps = hash:/etc/postfix/relay_recipients
transport_maps = hash:/etc/postfix/transport
defer_transports = relay
maximal_queue_lifetime = 14d
bounce_queue_lifetime = 14d
delay_warning_time = 0h
"""
SENDER_CF = f"""\
inet_interfaces = 127.0.0.1
local_transport = discard:lab
mydestination = outside.test
queue_run_delay = {RETRY_S}s
minimal_backoff_time = {RETRY_S}s
maximal_backoff_time = {RETRY_S}s
transport_retry_time = {RETRY_S}s
smtp_connect_timeout = 3s
smtp_helo_timeout = 10s
smtp_data_done_timeout = 30s
smtp_tls_security_level = may
smtp_tls_CAfile = /etc/postfix/lab-ca.crt
smtp_tls_loglevel = 1
maillog_file = /var/log/mail.log
"""
# Nice: while nobody accepts, hundreds of messages are tried every 5 s, which must not slow down the hosts under test.
SENDER_PROGRAM = ("/usr/bin/nice", "-n", "10", "/usr/sbin/postfix", "start-fg")


def relay_next_hop():
    """The primary by its literal addresses, for a standby's transport map."""
    primary = HOSTS["primary"]
    return f"relay:[{primary.ipv4}]:25, [ipv6:{primary.ipv6}]:25"


def configure(machine, pki):
    """Write the Postfix configuration of a machine that is off."""
    name = NAMES[machine.name]
    specific = {"primary": TLS_CF + PRIMARY_CF, "standby": TLS_CF + STANDBY_CF, "sender": SENDER_CF}
    machine.write("/etc/postfix/main.cf", COMMON_CF.format(name=name) + specific[machine.name])
    machine.write("/etc/mailname", name + "\n")
    machine.write("/etc/postfix/lab-ca.crt", pki.ca_cert.read_text())
    if machine.name != "sender":
        cert, key = pki.issue(name)
        machine.write("/etc/postfix/tls.crt", cert.read_text())
        machine.write("/etc/postfix/tls.key", key.read_text(), 0o600)
    {"primary": _mailboxes, "standby": _spool_maps, "sender": _without_chroot}[machine.name](machine)


def clear_spool_maps(machine):
    """Leave the standby without domains and recipients: the product must bring them."""
    machine.chroot(["postconf", "-e", "relay_domains=", "relay_recipient_maps=", "transport_maps="])


def _table(machine, name, rows):
    machine.write(f"/etc/postfix/{name}", "".join(f"{key}\t{value}\n" for key, value in rows))
    machine.chroot(["postmap", f"hash:/etc/postfix/{name}"])


def _mailboxes(machine):
    _table(machine, "mailboxes", [(f"{user}@{ZONE}", f"{ZONE}/{user}/") for user in USERS])
    machine.chroot(["install", "-d", "-o", str(MAILBOX_UID), "-g", str(MAILBOX_UID),
                    MAILBOX_BASE, f"{MAILBOX_BASE}/{ZONE}"])


def forget_mailbox(machine, address):
    """Take a mailbox away from a primary that is off: from its next boot on the address is refused for good."""
    rows = [line for line in machine.read("/etc/postfix/mailboxes").splitlines() if not line.startswith(f"{address}\t")]
    machine.write("/etc/postfix/mailboxes", "".join(f"{line}\n" for line in rows))
    machine.chroot(["postmap", "hash:/etc/postfix/mailboxes"])


def _spool_maps(machine):
    _table(machine, "relay_domains", [(ZONE, "OK")])
    _table(machine, "relay_recipients", [(f"{user}@{ZONE}", "OK") for user in USERS])
    _table(machine, "transport", [(ZONE, relay_next_hop())])


def _without_chroot(machine):
    """The sender runs by itself, without the unit that fills Debian's chroot."""
    machine.chroot(["postconf", "-F", "*/*/chroot=n"])


def sender_log(machine):
    """The sender's mail log, from its first line."""
    path = machine.root / "var/log/mail.log"
    return path.read_text(errors="replace") if path.exists() else ""
