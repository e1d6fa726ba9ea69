"""Put the product on the lab's hosts: an installed tree, account, units, controller."""

import http.client
import json
import pathlib
import re
import secrets
import socket

from . import mail, proc
from .dns import TSIG_ALGORITHM, UPDATE_KEY, ZONE
from .net import HOSTS
from .sh import run

ACCOUNT = "coldmx"
AGENT_ACCOUNT = "coldmx-agent"
HOST_COMMAND = "/usr/lib/coldmx/coldmx-host"
HOST_ROOT_COMMAND = "/usr/lib/coldmx/coldmx-host-root"
SUDOERS = f"""\
Defaults:{ACCOUNT} env_reset, !use_pty, !requiretty, !mailerpath
{ACCOUNT} ALL=(root:root) NOPASSWD: {HOST_ROOT_COMMAND}
"""
REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
TEMPLATES = pathlib.Path(__file__).resolve().parents[1] / "templates"
STANDBY_RULES = REPOSITORY / "etc/nftables/coldmx-standby.nft"
RULES_FOLDER = "/etc/coldmx/nftables"
AGENT_PORT = 8826


def close_standby_port(machine):
    """Make the standby boot with port 25 closed, by the ruleset that the product ships."""
    ctl = HOSTS["ctl"]
    machine.write(f"{RULES_FOLDER}/{STANDBY_RULES.name}", STANDBY_RULES.read_text())
    machine.write(f"{RULES_FOLDER}/controllers.nft",
                  f"add element inet coldmx controllers4 {{ {ctl.ipv4} }}\n"
                  f"add element inet coldmx controllers6 {{ {ctl.ipv6} }}\n"
                  f"add element inet coldmx controller_ports {{ 22, {AGENT_PORT} }}\n")
    machine.write("/etc/nftables.conf", "#!/usr/sbin/nft -f\nflush ruleset\n"
                                        f'include "{RULES_FOLDER}/{STANDBY_RULES.name}"\n')
    run(["systemctl", f"--root={machine.root}", "enable", "nftables.service"])


def install(machine, destdir, public_key, files):
    """Copy a `make install DESTDIR=` tree onto a machine and prepare its account and unit.

    files maps a path to text, or to (text, mode, owner); the default is 0640
    and root:coldmx, since such files hold secrets.
    """
    archive = machine.dir / "install.tar"
    run(["tar", "-C", destdir, "--owner=root", "--group=root", "-cf", archive, "."])
    run(["tar", "-C", machine.root, "--keep-directory-symlink", "--no-overwrite-dir", "-xpf", archive])
    archive.unlink()
    _account(machine, public_key)
    for path, content in files.items():
        text, mode, owner = (content, 0o640, f"root:{ACCOUNT}") if isinstance(content, str) else content
        machine.write(path, text, mode, owner)
    if machine.name == "standby":
        mail.clear_spool_maps(machine)
    run(["systemctl", f"--root={machine.root}", "enable", "coldmx-agent.service",
         "coldmx-agent-obey.path"])


def _account(machine, public_key):
    """The account of the controller's key: one forced command, from the controller only."""
    if f"\n{ACCOUNT}:" not in machine.read("/etc/passwd"):
        machine.chroot(["useradd", "--system", "--user-group", "--create-home", "--shell", "/bin/sh",
                        "--home-dir", f"/var/lib/{ACCOUNT}", ACCOUNT])
    machine.chroot(["usermod", "-p", "*", "--shell", "/bin/sh", ACCOUNT])
    if f"\n{AGENT_ACCOUNT}:" not in machine.read("/etc/passwd"):
        machine.chroot(["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin",
                        AGENT_ACCOUNT])
    home = machine.chroot(["getent", "passwd", ACCOUNT]).stdout.split(":")[5]
    machine.chroot(["install", "-d", "-m", "700", "-o", ACCOUNT, "-g", ACCOUNT, home, f"{home}/.ssh"])
    ctl = HOSTS["ctl"]
    machine.write(f"{home}/.ssh/authorized_keys",
                  f'restrict,from="{ctl.ipv4},{ctl.ipv6}",command="{HOST_COMMAND}" {public_key}\n',
                  0o600, f"{ACCOUNT}:{ACCOUNT}")
    machine.write("/etc/sudoers.d/coldmx", SUDOERS, 0o440)


def values(lab):
    """What a configuration template may name: addresses, names, key files, choices with a default."""
    known = {"LAB": lab.state.lab_id, "ZONE": ZONE, "DIR": lab.state.dir / "ctl",
             "SSH_KEY": lab.ssh_key, "KNOWN_HOSTS": lab.known_hosts, "CA": lab.pki.ca_cert,
             "TSIG_NAME": UPDATE_KEY, "TSIG_ALGORITHM": TSIG_ALGORITHM,
             "TSIG_SECRET": lab.dns.secret(), "TSIG_SECRET_FILE": lab.dns.dir / "keys" / f"{UPDATE_KEY}.secret",
             "SOCKET": lab.control_socket, "PROBE": f"probe@{ZONE}", "REPOSITORY": REPOSITORY,
             "AGENT_PORT": AGENT_PORT, "MODE": "automatic", "FENCE": "", "DRILL_BLACKHOLE": "false", "SITE": "lab",
             "GRACE": "2 s",
             "REFERENCES_EVERY": "2 s", "REFERENCES_TIMEOUT": "1 s", "PROBE_TIMEOUT": "2 s", "LIMITS": "",
             "COOLDOWN": "24 h", "PER_DAY": 3, "MAPS_MAX_AGE": "24 h",
             "NOTIFY": lab.controller.pager, "HARDEN_DIR": REPOSITORY / "hooks" / "harden.d"}
    for name, host in HOSTS.items():
        known[f"{name.upper()}4"], known[f"{name.upper()}6"] = host.ipv4, host.ipv6
    for name, dns_name in mail.NAMES.items():
        known[f"{name.upper()}_NAME"] = dns_name
    return known


def fill(text, known):
    """Replace each @NAME@ of a template; a name that is not known is a KeyError."""
    return re.sub(r"@([A-Z][A-Z0-9_]*)@", lambda found: str(known[found[1]]), text)


def render(lab, template, **more):
    """Text of tests/lab/templates/<template> with the lab's values filled in."""
    return fill((TEMPLATES / template).read_text(), {**values(lab), **more})


class _UnixHttp(http.client.HTTPConnection):
    """HTTP over a UNIX socket."""

    def __init__(self, socket_path):
        super().__init__("localhost", timeout=5)
        self._socket_path = socket_path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._socket_path)


class Controller:
    """coldmxd as a plain process in the namespace of ctl."""

    def __init__(self, state):
        self.state = state
        self.dir = state.dir / "ctl"
        self.pager = self.dir / "pager"
        self.conf = self.dir / "coldmx.conf"

    def create(self, pki):
        """Make the secrets that a configuration names, and a pager that keeps its pages."""
        self.dir.mkdir(parents=True, exist_ok=True)
        for name in ("maps.key", "primary.token", "standby.token"):
            self._secret(name, secrets.token_hex(32) + "\n")
        cert, key = pki.issue("ctl.outside.test")
        (self.dir / "listen.crt").write_text(cert.read_text())
        self._secret("listen.key", key.read_text())
        self.pager.write_text(f"#!/bin/sh\ncat >>{self.dir}/pages && echo >>{self.dir}/pages\n")
        self.pager.chmod(0o755)

    def _secret(self, name, text):
        (self.dir / name).touch(0o600)
        (self.dir / name).write_text(text)

    def token(self, host):
        """The token of a host's agent."""
        return (self.dir / f"{host}.token").read_text().strip()

    def pages(self):
        """What the controller paged so far, one JSON object each."""
        path = self.dir / "pages"
        lines = path.read_text().splitlines() if path.exists() else []
        return [json.loads(line) for line in lines if line.strip()]

    def start(self, binary, conf_text, options=(), env=None, under=()):
        """Write the configuration and start the daemon on it; return its identity.

        under: argv of a program that becomes the daemon, as `strace -D` does.
        """
        self.write_conf(conf_text)
        record = proc.spawn(self._argv(binary, options, under), self.dir / "log", env=env)
        self.state.write("procs/coldmxd", record)
        return record

    def write_conf(self, conf_text):
        """Write the configuration without starting anything."""
        self.conf.touch(0o600)
        self.conf.write_text(conf_text)

    def run(self, binary, *options, check=True, timeout_s=60):
        """Run the daemon's program to its end on the written configuration, as --check-config needs."""
        return run(self._argv(binary, options), check=check, timeout_s=timeout_s)

    def _argv(self, binary, options, under=()):
        return ["ip", "netns", "exec", self.state.netns("ctl"), *under, binary, "-c", self.conf, *options]

    @staticmethod
    def get_json(socket_path, path):
        """The JSON that the daemon answers to GET path on its UNIX socket; {} while it does not answer."""
        connection = _UnixHttp(str(socket_path))
        try:
            connection.request("GET", path, headers={"Host": "localhost"})
            return json.loads(connection.getresponse().read())
        except (OSError, http.client.HTTPException, ValueError):
            return {}
        finally:
            connection.close()

    def running(self):
        """True while the daemon runs."""
        return proc.alive(self.state.read("procs/coldmxd"))

    def signal(self, signum):
        """Signal the daemon, as SIGSTOP does to a machine that sleeps; False when it is gone."""
        return proc.send(self.state.read("procs/coldmxd"), signum)

    def stop(self, grace_s=10.0):
        """End the daemon by SIGTERM, or by SIGKILL with a grace of 0."""
        proc.stop(self.state.read("procs/coldmxd"), grace_s)

    def log(self):
        """All that the daemon wrote."""
        path = self.dir / "log"
        return path.read_text(errors="replace") if path.exists() else ""
