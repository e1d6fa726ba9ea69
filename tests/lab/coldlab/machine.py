"""A mail host: a Debian system in systemd-nspawn over an overlay, with a power button.

Power is a matter of files and processes only, so that the host `hyper`, the
owner of the lab and a sweep all see the same state.
"""

import os
import pathlib
import secrets
import shutil
import signal
import time

from . import proc
from .net import HOSTS
from .sh import run

POWEROFF_SIGNAL = signal.SIGRTMIN + 4
LEADER_WAIT_S = 5.0
POWEROFF_REPEAT_S = 1.0  # a machine that has just begun to boot does not hear the first signal


class MachineOff(RuntimeError):
    """Something was asked of a machine that does not run."""


class Machine:
    """One machine of a lab; argv replaces the boot by one program under a small init."""

    def __init__(self, state, net, name, argv=()):
        self.state, self.net, self.name, self.argv = state, net, name, tuple(argv)
        self.dir = state.dir / "hosts" / name
        self.root = self.dir / "root"

    def create(self, image, hostname):
        """Mount the overlay and give the machine an identity of its own."""
        for part in ("up", "work", "root"):
            (self.dir / part).mkdir(parents=True, exist_ok=True)
        run(["mount", "-t", "overlay", f"coldmx-lab-{self.state.lab_id}", self.root, "-o",
             f"lowerdir={image},upperdir={self.dir / 'up'},workdir={self.dir / 'work'}"])
        host = HOSTS[self.name]
        short = hostname.split(".")[0]
        self.write("/etc/machine-id", secrets.token_hex(16) + "\n", 0o444)
        self.write("/etc/hostname", short + "\n")
        self.write("/etc/hosts", f"127.0.0.1 localhost\n::1 localhost ip6-localhost\n"
                                 f"{host.ipv4} {hostname} {short}\n{host.ipv6} {hostname} {short}\n")
        resolver = HOSTS["resolver"]
        self.write("/etc/resolv.conf", f"nameserver {resolver.ipv4}\nnameserver {resolver.ipv6}\n"
                                       "options timeout:2 attempts:2\n")
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", hostname,
             "-f", self.root / "etc/ssh/ssh_host_ed25519_key"])

    def write(self, path, text, mode=0o644, owner="root:root"):
        """Write a file of the machine, whether it runs or not."""
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        target.write_text(text)
        target.chmod(mode)
        if owner != "root:root":
            self.chroot(["chown", owner, path])

    def read(self, path):
        """Text of a file of the machine, whether it runs or not."""
        return (self.root / path.lstrip("/")).read_text(errors="replace")

    def chroot(self, argv, stdin=None):
        """Run a program of the machine's disk without booting it."""
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
        return run(["chroot", self.root, *argv], stdin=stdin, env=env)

    def host_key(self):
        """Its SSH host key as `type base64`."""
        return " ".join(self.read("/etc/ssh/ssh_host_ed25519_key.pub").split()[:2])

    def running(self):
        """True while the machine is powered on."""
        return proc.alive(self._record())

    def power_on(self):
        """Press the power button and return at once; on a running machine nothing happens."""
        with self.state.lock(f"machine-{self.name}"):
            if self.running():
                return
            self._clear()
            self.net.attach(self.name)
            self.state.write(f"procs/machine-{self.name}", proc.spawn(
                self._nspawn(), self.dir / "console.log", proc.make_cgroups(self._cgroup())))

    def power_off(self, grace_s=10.0):
        """Shut down as the power button would; pull the plug after the grace time."""
        with self.state.lock(f"machine-{self.name}"):
            leader = self._leader() if self.running() and not self.argv else None
            deadline = time.monotonic() + grace_s
            while leader and time.monotonic() < deadline and proc.send(leader, POWEROFF_SIGNAL):
                if proc.wait_gone(self._record(), POWEROFF_REPEAT_S):
                    break
            self._clear()

    def unplug(self):
        """Pull the plug: the network goes silent first, then everything stops at once."""
        with self.state.lock(f"machine-{self.name}"):
            self._clear()

    def exec(self, argv, stdin=None, timeout_s=60, check=True):
        """Run a program inside the running machine."""
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/root"}
        return run([*self.enter(), *argv], stdin=stdin, timeout_s=timeout_s, check=check, env=env)

    def enter(self):
        """argv prefix that runs a program inside the running machine."""
        leader = self._leader()
        if leader is None:
            raise MachineOff(f"{self.name} is off")
        return ["nsenter", "-t", str(leader["pid"]), "-m", "-u", "-i", "-n", "-p", "-C", "--"]

    def boot_id(self):
        """The kernel's name of this boot, as the machine itself sees it."""
        return self.exec(["cat", "/proc/sys/kernel/random/boot_id"]).stdout.strip()

    def wait_booted(self, timeout_s=60.0):
        """Wait until systemd has started everything; return its word, `running` or `degraded`."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            try:
                word = self.exec(["systemctl", "is-system-running"], check=False).stdout.strip()
            except MachineOff:
                word = "off"
            if word in ("running", "degraded"):
                return word
            time.sleep(0.2)
        raise TimeoutError(f"{self.name} did not boot in {timeout_s} s: {self.console()[-2000:]}")

    def mail_signal(self, name):
        """Send a signal (KILL, STOP, CONT) to every process of the machine's Postfix."""
        self.exec(["systemctl", "kill", f"--signal={name}", "postfix@-.service"])

    def journal(self, *options):
        """The machine's journal as text, whether it runs or not."""
        argv = ["journalctl", "--no-pager", "--quiet", "-o", "short-iso-precise",
                "-D", self.root / "var/log/journal", *options]
        return run(argv, check=False).stdout

    def console(self):
        """What the machine printed on its console."""
        try:
            return (self.dir / "console.log").read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def destroy(self):
        """Stop it, unmount its disk and delete it."""
        self.unplug()
        for mount in _mounts_below(self.dir):
            run(["umount", "-l", mount], check=False)
        shutil.rmtree(self.dir, ignore_errors=True)

    def _record(self):
        return self.state.read(f"procs/machine-{self.name}")

    def _cgroup(self):
        return f"coldmx-lab-{self.state.lab_id}-{self.name}"

    def _nspawn(self):
        argv = ["systemd-nspawn", "--quiet", f"--directory={self.root}", "--register=no", "--keep-unit",
                f"--machine=cmx-{self.state.lab_id}-{self.name}",
                f"--hostname={self.read('/etc/hostname').strip()}",
                f"--network-namespace-path=/run/netns/{self.state.netns(self.name)}",
                "--capability=CAP_NET_ADMIN", "--console=pipe", "--resolv-conf=off",
                "--timezone=off", "--link-journal=no"]
        return argv + (["--as-pid2", *self.argv] if self.argv else ["--boot"])

    def _leader(self):
        """Identity of the machine's first process, seen from outside; None when it is off."""
        record = self._record()
        deadline = time.monotonic() + LEADER_WAIT_S
        while proc.alive(record) and time.monotonic() < deadline:
            for status in pathlib.Path("/proc").glob("[0-9]*/status"):
                if _is_leader_of(status, record["pid"]):
                    return proc.identity(int(status.parent.name))
            time.sleep(0.05)
        return None

    def _clear(self):
        """Bring the machine to the state off, whatever state it is in."""
        self.net.unplug_cable(self.name)
        record = self._record()
        for pid in proc.cgroup_pids(self._cgroup()) - {(record or {}).get("pid")}:
            proc.stop(proc.identity(pid), grace_s=0)
        proc.stop(record, grace_s=0)
        self.state.forget(f"procs/machine-{self.name}")
        if self.net.attached(self.name):
            self.net.detach(self.name)
        proc.remove_cgroups(self._cgroup())
        self._remove_nspawn_traces()

    def _remove_nspawn_traces(self):
        """systemd-nspawn leaves a folder and locks of a machine that was killed."""
        base = pathlib.Path("/run/systemd/nspawn")
        name = f"cmx-{self.state.lab_id}-{self.name}"
        run(["umount", "-l", base / "propagate" / name], check=False)
        if (base / "propagate" / name).is_dir():
            (base / "propagate" / name).rmdir()
        (base / "locks" / f"name-{name}").unlink(missing_ok=True)
        if self.root.is_dir():
            root = self.root.stat()
            (base / "locks" / f"inode-{root.st_dev}:{root.st_ino}").unlink(missing_ok=True)


def _is_leader_of(status, nspawn_pid):
    try:
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
    except (OSError, ValueError):
        return False
    pids = fields.get("NSpid", "").split()
    return int(fields["PPid"]) == nspawn_pid and len(pids) > 1 and pids[-1] == "1"


def _mounts_below(folder):
    """Mount points in the folder, innermost first."""
    points = (line.split()[4] for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines())
    return sorted((p for p in points if p.startswith(f"{folder}{os.sep}")), reverse=True)
