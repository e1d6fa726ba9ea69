"""The lab: hosts, network, name servers, mail and power host, up and down as one."""

import os
import pathlib
import shutil
import sys
import time

from . import image, mail, proc, product
from .dns import Dns
from .hyper import Hyper
from .ledger import Ledger
from .machine import Machine
from .net import HOSTS, Net
from .pki import Pki
from .sh import run
from .state import State, all_lab_ids, labs_root, make_below_shared, new_lab_id, remove_empty

POWERED = ("primary", "standby")
NETNS_FILES = pathlib.Path("/etc/netns")  # ip netns exec takes a namespace's /etc files from here
SMTP_WAIT_S, SSH_WAIT_S = 60.0, 30.0
UNOWNED_S = 60.0  # a folder without an owner may be a lab that is just beginning


class Lab:
    """One lab. up() builds it, down() removes every trace, attach() finds a running one."""

    def __init__(self, state):
        self.state = state
        self.net = Net(state)
        self.pki = Pki(state)
        self.dns = Dns(state, self.net)
        self.hyper = Hyper(state, self.net)
        self.controller = product.Controller(state)
        self.machines = {name: Machine(state, self.net, name) for name in POWERED}
        self.machines["sender"] = Machine(state, self.net, "sender", mail.SENDER_PROGRAM)
        self.ssh_key = state.dir / "ctl" / "ssh_key"
        self.known_hosts = state.dir / "ctl" / "known_hosts"
        self.control_socket = state.dir / "ctl" / "coldmx.sock"

    @classmethod
    def attach(cls, lab_id):
        """The lab of this name, as another process built it."""
        lab = cls(State(lab_id))
        if not lab.state.dir.is_dir():
            raise FileNotFoundError(f"no lab {lab_id}")
        return lab

    @classmethod
    def up(cls, owned=True, power=("primary",)):
        """Build a lab and wait until it carries mail; power names the machines to boot.

        An owned lab ends with the process that built it, however that ends.
        """
        sweep()
        lab = cls(State(new_lab_id()))
        make_below_shared(lab.state.dir)
        lab.state.write("owner", {"process": proc.identity(os.getpid()) if owned else None,
                                  "boot": _machine_boot()})
        try:
            if owned:
                lab._start_guard()
            lab._create(image.ensure())
            lab._start(power)
        except BaseException:
            lab.down()
            raise
        return lab

    def _create(self, base_image):
        self.net.up()
        for name in HOSTS:
            if name not in self.machines:
                self.net.attach(name)
        self.pki.create()
        self._create_client()
        self.controller.create(self.pki)
        self.dns.create()
        self.hyper.create(self.public_key())
        for name, machine in self.machines.items():
            machine.create(base_image, mail.NAMES[name])
            mail.configure(machine, self.pki)
        product.close_standby_port(self.machines["standby"])
        self._write_known_hosts()

    def _start(self, power):
        for name in ("ns1", "ns2", "resolver"):
            self.dns.start(name)
        self.hyper.start()
        for name in (*power, "sender"):
            self.machines[name].power_on()  # at the same time; boot() below only waits
        self.dns.wait_up()
        self.net.wait_answer("ctl", HOSTS["hyper"].ipv4, 22, SSH_WAIT_S)
        self.net.wait_answer("sender", "127.0.0.1", 25, SMTP_WAIT_S)
        self.boot(*power)

    def boot(self, *names):
        """Power machines on; wait for their SSH, and for SMTP where it is open from boot."""
        for name in names:
            self.machines[name].power_on()
        for name in names:
            self.net.wait_answer("ctl", HOSTS[name].ipv4, 22, SSH_WAIT_S)
        if "primary" in names:
            self.net.wait_answer("ctl", HOSTS["primary"].ipv4, 25, SMTP_WAIT_S)

    def _create_client(self):
        self.ssh_key.parent.mkdir(parents=True, exist_ok=True)
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "coldmxd", "-f", self.ssh_key])
        resolver = HOSTS["resolver"]
        folder = NETNS_FILES / self.state.netns("ctl")
        make_below_shared(folder)
        (folder / "resolv.conf").write_text(f"nameserver {resolver.ipv4}\nnameserver {resolver.ipv6}\n")

    def _write_known_hosts(self):
        keys = {name: self.machines[name].host_key() for name in POWERED}
        keys["hyper"] = self.hyper.host_key()
        self.known_hosts.write_text("".join(
            f"{address} {key}\n" for name, key in keys.items()
            for address in (HOSTS[name].ipv4, HOSTS[name].ipv6)))

    def public_key(self):
        """The public key of the controller's SSH identity."""
        return self.ssh_key.with_suffix(".pub").read_text().strip()

    def ssh(self, host, command, user="root", family=4, timeout_s=60, check=False, stdin=None):
        """Run ssh at ctl, with the controller's key and pinned host keys."""
        address = HOSTS[host].ipv4 if family == 4 else HOSTS[host].ipv6
        argv = ["ssh", "-F", "none", "-i", self.ssh_key, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
                "-o", "StrictHostKeyChecking=yes", "-o", f"UserKnownHostsFile={self.known_hosts}",
                "-o", "GlobalKnownHostsFile=none", "-o", "ConnectTimeout=10", f"{user}@{address}", command]
        return run(self.net.enter("ctl") + argv, stdin=stdin, timeout_s=timeout_s, check=check)

    def exec(self, host, argv, **options):
        """Run a program at any host: inside a machine, or in the namespace of a plain host."""
        if host in self.machines:
            return self.machines[host].exec(argv, **options)
        return run(["ip", "netns", "exec", self.state.netns(host), *argv], **options)

    def shell_argv(self, host):
        """argv of an interactive shell at a host."""
        if host in self.machines:
            return [*self.machines[host].enter(), "/bin/bash"]
        return ["ip", "netns", "exec", self.state.netns(host), "/bin/bash"]

    def ledger(self, per_second=10):
        """A ledger of messages from the sender; start() begins to submit."""
        return Ledger(self, per_second)

    def install_product(self, destdir, files):
        """Put an installed tree on primary and standby.

        files: {host: {path: text or (text, mode, owner)}}, for example the
        agent's configuration. Best before the first boot: up(power=()), then
        this, then boot(); a running machine takes it up at its next boot.
        """
        for name in POWERED:
            product.install(self.machines[name], destdir, self.public_key(), files.get(name, {}))

    def render(self, template, **more):
        """Text of a template of tests/lab/templates with the lab's values filled in."""
        return product.render(self, template, **more)

    def start_controller(self, binary, conf_text, options=(), env=None, under=()):
        """Start coldmxd at ctl; its log is controller.log()."""
        return self.controller.start(binary, conf_text, options, env, under)

    def coldmx(self, binary, *args, stdin=None, timeout_s=60, check=False):
        """Run the command line at ctl, with COLDMX_SOCKET naming the controller's socket."""
        argv = ["ip", "netns", "exec", self.state.netns("ctl"), binary, *args]
        env = {**os.environ, "COLDMX_SOCKET": str(self.control_socket)}
        return run(argv, stdin=stdin, timeout_s=timeout_s, check=check, env=env)

    def down(self):
        """End everything of this lab and remove it; safe to call twice and on half a lab."""
        if not self.state.dir.exists():
            return
        with self.state.lock("down"):
            self._stop_processes()
            for machine in self.machines.values():
                machine.destroy()
            self.net.down()
            shutil.rmtree(NETNS_FILES / self.state.netns("ctl"), ignore_errors=True)
        shutil.rmtree(self.state.dir, ignore_errors=True)
        remove_empty(NETNS_FILES, labs_root())

    def _stop_processes(self):
        for path in sorted(self.state.dir.glob("procs/*.json")):
            record = self.state.read(f"procs/{path.stem}")
            if not path.stem.startswith("machine-") and record and record["pid"] != os.getpid():
                proc.stop(record, grace_s=1.0)

    def _start_guard(self):
        """A process that waits for the owner's end and then takes the lab down."""
        package_parent = str(pathlib.Path(__file__).resolve().parents[1])
        env = {**os.environ, "PYTHONPATH": package_parent}
        self.state.write("procs/guard", proc.spawn(
            [sys.executable, "-m", "coldlab", "guard", self.state.lab_id], "/dev/null", env=env))

    def owner(self):
        """Identity of the process that owns this lab, or None."""
        return (self.state.read("owner") or {}).get("process")

    def stale(self):
        """True when the lab's owner is gone, or the machine was rebooted under it."""
        owner = self.state.read("owner")
        if owner is None:
            try:
                return time.time() - self.state.dir.stat().st_mtime > UNOWNED_S
            except FileNotFoundError:  # another sweep, or its guard, has just finished
                return False
        if owner["boot"] != _machine_boot():
            return True
        return owner["process"] is not None and not proc.alive(owner["process"])


def _machine_boot():
    return pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def sweep():
    """Take down every lab whose owner is gone; return their names."""
    stale = [lab_id for lab_id in all_lab_ids() if Lab(State(lab_id)).stale()]
    for lab_id in stale:
        Lab(State(lab_id)).down()
    return stale
