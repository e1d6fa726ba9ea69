"""The host `hyper`: an SSH server whose only command is the power switch.

One key is admitted, and it runs coldlab.power whatever the client asks for.
Faults are a file that the power switch reads at each call. HOME is the lab's
folder, so that no start-up file of the machine's own shell runs.
"""

import os
import pathlib
import shlex
import sys

from . import proc
from .net import HOSTS
from .sh import run

FAULTS = ("fail", "hang", "lie", "flaky")
VERBS = ("on", "off", "status")
SSHD_CONF = """\
Port 22
ListenAddress {ipv4}
ListenAddress {ipv6}
HostKey {dir}/host_key
PidFile {dir}/sshd.pid
AuthorizedKeysFile {dir}/authorized_keys
AuthenticationMethods publickey
PermitRootLogin forced-commands-only
StrictModes no
UsePAM no
PrintMotd no
MaxStartups 100
SetEnv HOME={dir}
"""


class Hyper:
    """Starts and stops the power host, and breaks it on purpose."""

    def __init__(self, state, net):
        self.state, self.net = state, net
        self.dir = state.dir / "hyper"

    def create(self, client_public_key):
        """Write the server's key and configuration."""
        self.dir.mkdir(parents=True, exist_ok=True)
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "hyper", "-f", self.dir / "host_key"])
        host = HOSTS["hyper"]
        (self.dir / "sshd_config").write_text(SSHD_CONF.format(dir=self.dir, ipv4=host.ipv4, ipv6=host.ipv6))
        package_parent = pathlib.Path(__file__).resolve().parents[1]
        settings = [f"{name}={os.environ[name]}" for name in ("COLDMX_LAB_STATE", "COLDMX_LAB_CACHE")
                    if name in os.environ]
        command = shlex.join(["/usr/bin/env", f"PYTHONPATH={package_parent}", *settings,
                              sys.executable, "-S", "-m", "coldlab.power", self.state.lab_id])
        (self.dir / "authorized_keys").write_text(f'restrict,command="{command}" {client_public_key}\n')

    def start(self):
        """Start its SSH server."""
        pathlib.Path("/run/sshd").mkdir(exist_ok=True)
        argv = ["/usr/sbin/sshd", "-D", "-e", "-f", self.dir / "sshd_config"]
        self.state.write("procs/hyper", proc.spawn(self.net.enter("hyper") + argv, self.dir / "log"))

    def stop(self):
        """Stop its SSH server; the machines go on."""
        proc.stop(self.state.read("procs/hyper"))

    def host_key(self):
        """Its SSH host key as `type base64`."""
        return " ".join((self.dir / "host_key.pub").read_text().split()[:2])

    def fault(self, mode, verbs=("on", "off"), machine="*"):
        """Inject a fault for these verbs on a machine, or on all of them.

        fail: exit 1. hang: no answer. lie: exit 0 and the wanted word, no
        effect. flaky: every second call fails, the first of them first.
        """
        if mode not in FAULTS or set(verbs) - set(VERBS):
            raise ValueError(f"no such fault: {mode} of {verbs}")
        with self.state.lock("faults"):
            faults = self.state.read("faults", {})
            faults.update({f"{verb} {machine}": {"mode": mode, "calls": 0} for verb in verbs})
            self.state.write("faults", faults)

    def repair(self):
        """Take all faults away."""
        with self.state.lock("faults"):
            self.state.write("faults", {})

    def calls(self):
        """The commands that the power switch was given so far, in order."""
        log = self.dir / "calls"
        return log.read_text().splitlines() if log.exists() else []
