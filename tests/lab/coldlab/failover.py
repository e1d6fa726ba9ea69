"""The product in the lab, ready to fail over: installed on the hosts, controller configured, maps known."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

from . import mail
from .lab import Lab
from .net import HOSTS
from .product import AGENT_PORT, REPOSITORY

BUILD = pathlib.Path(os.environ.get("COLDMX_BUILD", REPOSITORY / "build" / "rel"))
PAIR = "example"
GATE = "/etc/systemd/system/postfix@-.service.d/coldmx-gate.conf"
STANDARD = {"10 mail1.example.test.", "20 mail2.example.test."}
SWAPPED = {"20 mail1.example.test.", "10 mail2.example.test."}


def install_tree():
    """`make install` of this build into a scratch folder; returns the folder."""
    target = tempfile.mkdtemp(prefix="coldmx-install-")
    variant = BUILD.name
    subprocess.run(["make", "-s", "-C", REPOSITORY, "install", f"VARIANT={variant}", f"DESTDIR={target}"],
                   check=True, capture_output=True, text=True)
    return target


def host_conf(role):
    """/etc/coldmx/host.conf of a mail host."""
    ctl, primary = HOSTS["ctl"], HOSTS["primary"]
    text = (f"PAIR={PAIR}\nCONTROLLER4={ctl.ipv4}\nCONTROLLER6={ctl.ipv6}\nSSH_PORT=22\n"
            f"AGENT_PORT={AGENT_PORT}\nSSH_ALLOW=root@{ctl.ipv4} root@{ctl.ipv6}\nLISTEN_ALLOW=\n")
    return text + f"PRIMARY4={primary.ipv4}\nPRIMARY6={primary.ipv6}\n" if role == "standby" else text


def agent_conf(lab, role):
    """/etc/coldmx/agent.conf of a mail host."""
    return lab.render("agent.conf.in", ROLE=role)


def host_files(lab, role):
    """Everything that make install does not bring: what is this host's own."""
    cert, key = lab.pki.issue(mail.NAMES[role])
    token = lab.controller.token(role)
    return {
        "/etc/coldmx/host.conf": (host_conf(role), 0o644, "root:root"),
        "/etc/coldmx/agent.conf": (agent_conf(lab, role), 0o644, "root:root"),
        "/etc/coldmx/agent.token": (token + "\n", 0o640, "root:coldmx-agent"),
        "/etc/coldmx/agent.crt": (cert.read_text(), 0o644, "root:root"),
        "/etc/coldmx/agent.key": (key.read_text(), 0o640, "root:coldmx-agent"),
        GATE: ((REPOSITORY / "etc/systemd/postfix@-.service.d/coldmx-gate.conf").read_text(), 0o644, "root:root"),
        "/etc/coldmx/ca.crt": (lab.pki.ca_cert.read_text(), 0o644, "root:root"),
    }


def wait_for(what, condition, timeout_s=60.0, every_s=0.1):
    """The first true value of condition(); AssertionError names what did not come."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(every_s)
    raise AssertionError(f"{what}: not within {timeout_s:.0f} s")


@contextlib.contextmanager
def product_lab(primary_on=True):
    """A Product in a lab of its own, installed before the first boot; the standby is off, the primary as asked for."""
    lab = Lab.up(power=())
    product = Product(lab)
    try:
        product.install()
        if primary_on:
            lab.machines["primary"].power_on()
        yield product
    finally:
        lab.controller.stop()
        lab.down()


class Product:
    """The three programs at work in one lab."""

    def __init__(self, lab):
        self.lab = lab

    def install(self):
        """On both hosts, while they are off or before their services are restarted."""
        tree = install_tree()
        try:
            self.lab.install_product(tree, {role: host_files(self.lab, role) for role in ("primary", "standby")})
        finally:
            shutil.rmtree(tree, ignore_errors=True)

    def start(self, under=(), env=None, **more):
        """A controller; on an empty journal when there is none yet."""
        controller = self.lab.controller
        conf = self.lab.render("coldmx.conf.in", **more)
        controller.write_conf(conf)
        (controller.dir / "state").mkdir(mode=0o700, exist_ok=True)
        if not (controller.dir / "state" / "coldmx.db").exists():
            controller.run(BUILD / "coldmxd", "--init")
        self.lab.start_controller(BUILD / "coldmxd", conf, under=under, env=env)

    def forget(self):
        """A new journal at the next start."""
        self.lab.controller.stop()
        for name in ("state", "stranded", "maps", "pages", "log"):
            path = self.lab.controller.dir / name
            if path.is_dir():
                shutil.rmtree(path)
            elif path.exists():
                path.unlink()

    def coldmx(self, *args, check=False, timeout_s=60):
        """The command line."""
        return self.lab.coldmx(BUILD / "coldmx", *args, "--socket", str(self.lab.control_socket), check=check,
                               timeout_s=timeout_s)

    def status(self):
        """/v1/pairs/example as a dictionary; {} while the controller does not answer."""
        return self.lab.controller.get_json(self.lab.control_socket, f"/v1/pairs/{PAIR}")

    def operation(self):
        """The last operation; {} when there is none, or no answer."""
        return self.status().get("operation") or {}

    def steps(self):
        """{step: state} of the last operation."""
        return {step["name"]: step["state"] for step in self.operation().get("steps", [])}

    def wait_step(self, kind, *names, timeout_s=180.0):
        """Waits until an operation of this kind is at one of these steps; returns its name."""
        def look():
            now = self.operation()
            running = [step["name"] for step in now.get("steps", []) if step["state"] == "running"]
            return running[0] if now.get("kind") == kind and running and running[0] in names else None
        return wait_for(f"step {'/'.join(names)} of {kind}", look, timeout_s, every_s=0.02)

    def wait_end(self, kind, timeout_s=300.0):
        """Waits until the operation of this kind has ended, well or not; returns it."""
        def look():
            now = self.operation()
            return now if now.get("kind") == kind and now["status"] not in ("running", "undoing") else None
        return wait_for(f"end of {kind}", look, timeout_s)

    def wait_state(self, *states, timeout_s=120.0):
        """Waits until the pair is in one of these states; returns the status."""
        def look():
            now = self.status()
            return now if now.get("state") in states else None
        return wait_for(f"state {'/'.join(states)} of {PAIR}", look, timeout_s)

    def wait_ready(self, timeout_s=60.0):
        """The primary was seen up, and its recipient maps are kept."""
        def look():
            now = self.status()
            return now if now.get("seen_up") and now.get("maps_at_ms") and now.get("state") == "up" else None
        return wait_for("primary seen up and maps kept", look, timeout_s)
