"""The lab's network: namespaces, two dual-stack subnets, a router, and cuts.

The router namespace holds a bridge for each subnet and routes between them,
nowhere else. A host that is off has no namespace at all, so nothing answers.
"""

import contextlib
import ctypes
import dataclasses
import os
import pathlib
import socket
import time

from . import proc
from .sh import run

ROUTER = "router"
SUBNETS = {"mail": 1, "outside": 2}
IPV4_NET = {"mail": "192.0.2", "outside": "198.51.100"}
HOST_NUMBERS = {
    "primary": ("mail", 10), "standby": ("mail", 20), "hyper": ("mail", 30),
    "ns1": ("mail", 53), "ns2": ("mail", 54),
    "ctl": ("outside", 10), "sender": ("outside", 20), "resolver": ("outside", 53),
}
CLONE_NEWNET = 0x40000000


@dataclasses.dataclass(frozen=True)
class Host:
    """A host's place in the network."""
    name: str
    subnet: str
    number: int

    @property
    def ipv4(self):
        """Its IPv4 address."""
        return f"{IPV4_NET[self.subnet]}.{self.number}"

    @property
    def ipv6(self):
        """Its IPv6 address."""
        return f"2001:db8:{SUBNETS[self.subnet]}::{self.number}"

    @property
    def mac(self):
        """Its hardware address, the same at each boot."""
        return f"02:00:00:00:{SUBNETS[self.subnet]:02x}:{self.number:02x}"


HOSTS = {name: Host(name, *place) for name, place in HOST_NUMBERS.items()}


@dataclasses.dataclass(frozen=True)
class Cut:
    """Traffic that the network loses: of one host, or from one host to another."""
    src: str
    dst: str = ""
    family: int = 0
    loss_percent: int = 100

    def rules(self):
        """nft rules as (chain, rule) pairs; chain `from` sees what enters by a host's port."""
        family = {0: "", 4: "ether type ip ", 6: "ether type ip6 "}[self.family]
        loss = "" if self.loss_percent == 100 else f"numgen random mod 100 < {self.loss_percent} "
        if not self.dst:
            return [("from", f'iifname "{self.src}" {family}{loss}drop'),
                    ("to", f'oifname "{self.src}" {family}{loss}drop')]
        target = HOSTS[self.dst]
        wanted = {4: f"ip daddr {target.ipv4} ", 6: f"ip6 daddr {target.ipv6} "}
        return [("from", f'iifname "{self.src}" {wanted[f]}{loss}drop')
                for f in (4, 6) if self.family in (0, f)]


class Net:
    """Builds, cuts and heals the network of one lab."""

    def __init__(self, state):
        self.state = state

    def up(self):
        """Make the router; hosts join by attach()."""
        router = self.state.netns(ROUTER)
        run(["ip", "netns", "add", router])
        self._sysctl(router, "net.ipv6.conf.default.accept_dad=0", "net.ipv4.ip_forward=1",
                     "net.ipv6.conf.all.forwarding=1")
        batch = ["link set lo up"]
        for subnet, index in SUBNETS.items():
            bridge = f"br-{subnet}"
            batch += [f"link add {bridge} address 02:00:00:00:{index:02x}:01 type bridge forward_delay 0",
                      f"link set {bridge} up",
                      f"addr add {IPV4_NET[subnet]}.1/24 dev {bridge}",
                      f"addr add 2001:db8:{index}::1/64 dev {bridge} nodad"]
        self._ip_batch(router, batch)

    def attach(self, name):
        """Give a host its namespace, cable and addresses."""
        host, router, own = HOSTS[name], self.state.netns(ROUTER), self.state.netns(name)
        run(["ip", "netns", "add", own])
        self._sysctl(own, "net.ipv6.conf.default.accept_dad=0", "net.ipv6.conf.default.accept_ra=0")
        self._ip_batch(router, [
            f"link add {name} type veth peer name eth0 address {host.mac} netns {own}",
            f"link set {name} master br-{host.subnet} up"])
        self._ip_batch(own, [
            "link set lo up", "link set eth0 up",
            f"addr add {host.ipv4}/24 dev eth0",
            f"addr add {host.ipv6}/64 dev eth0 nodad",
            f"route add default via {IPV4_NET[host.subnet]}.1",
            f"route add default via 2001:db8:{SUBNETS[host.subnet]}::1"])

    def unplug_cable(self, name):
        """Take away a host's cable, so that nothing of its dying is seen outside."""
        run(["ip", "-n", self.state.netns(ROUTER), "link", "del", name], check=False)

    def detach(self, name):
        """Remove a host's cable and namespace; what still ran in there is killed."""
        self.unplug_cable(name)
        self.kill_all(name)
        run(["ip", "netns", "del", self.state.netns(name)], check=False)

    def attached(self, name):
        """True while the host has its namespace."""
        return pathlib.Path("/run/netns", self.state.netns(name)).exists()

    def kill_all(self, name):
        """End every process in a namespace of ours; they are ours by being in it."""
        pids = run(["ip", "netns", "pids", self.state.netns(name)], check=False).stdout.split()
        for pid in map(int, pids):
            if pid != os.getpid():
                proc.stop(proc.identity(pid), grace_s=0)

    def down(self):
        """Remove every namespace that carries the lab's name, and what is in it."""
        for path in pathlib.Path("/run/netns").glob(self.state.prefix + "*"):
            self.detach(path.name[len(self.state.prefix):])

    def cut(self, host):
        """Cut a host off: all its traffic is lost, both ways."""
        self._change_cuts(add=Cut(host))

    def cut_family(self, host, family):
        """Lose all IPv4 (4) or IPv6 (6) traffic of a host, neighbour discovery included."""
        self._change_cuts(add=Cut(host, family=family))

    def cut_between(self, src, dst, family=0, one_way=False):
        """Lose what src sends to dst, and the other direction too unless one_way."""
        self._change_cuts(add=Cut(src, dst, family))
        if not one_way:
            self._change_cuts(add=Cut(dst, src, family))

    def lose(self, host, percent):
        """Lose this share of a host's packets, at random, both ways."""
        if not 0 < percent <= 100:
            raise ValueError(f"loss of {percent} percent")
        self._change_cuts(add=Cut(host, loss_percent=percent))

    def heal(self, host=None):
        """Take away the cuts that name this host, or all cuts."""
        self._change_cuts(heal=host or "*")

    def _change_cuts(self, add=None, heal=None):
        with self.state.lock("cuts"):
            cuts = [Cut(*fields) for fields in self.state.read("cuts", [])]
            if heal:
                cuts = [c for c in cuts if heal not in ("*", c.src, c.dst)]
            if add:
                cuts.append(add)
            rules = [rule for cut in cuts for rule in cut.rules()]
            chains = "".join(
                f"chain {chain} {{\ntype filter hook {hook} priority 0; policy accept;\n"
                + "".join(f"{text}\n" for where, text in rules if where == chain) + "}\n"
                for chain, hook in (("from", "prerouting"), ("to", "postrouting")))
            run(["nsenter", f"--net=/run/netns/{self.state.netns(ROUTER)}", "nft", "-f", "-"],
                stdin=f"table bridge cuts {{\n}}\ndelete table bridge cuts\ntable bridge cuts {{\n{chains}}}\n")
            self.state.write("cuts", [dataclasses.astuple(c) for c in cuts])

    def enter(self, name):
        """argv prefix that runs a program in a host's namespace, under the same pid."""
        return ["nsenter", f"--net=/run/netns/{self.state.netns(name)}", "--"]

    @contextlib.contextmanager
    def inside(self, name):
        """Sockets that this thread opens meanwhile belong to the host's namespace."""
        with open("/proc/thread-self/ns/net", "rb") as home, \
                open(f"/run/netns/{self.state.netns(name)}", "rb") as there:
            _setns(there.fileno())
            try:
                yield
            finally:
                _setns(home.fileno())

    def connect(self, src, address, port, timeout_s=3.0):
        """A TCP connection from a host to an address."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with self.inside(src):
            sock = socket.socket(family, socket.SOCK_STREAM)
        sock.settimeout(timeout_s)
        try:
            sock.connect((address, port))
        except OSError:
            sock.close()
            raise
        return sock

    def answers(self, src, address, port, timeout_s=1.0):
        """True when a TCP connection from src to the address is accepted."""
        try:
            self.connect(src, address, port, timeout_s).close()
        except OSError:
            return False
        return True

    def wait_answer(self, src, address, port, timeout_s=30.0):
        """Wait until the address accepts connections from src; seconds it took."""
        began = time.monotonic()
        while not self.answers(src, address, port):
            if time.monotonic() - began > timeout_s:
                raise TimeoutError(f"no answer from {address} port {port} in {timeout_s} s")
            time.sleep(0.1)
        return time.monotonic() - began

    def _sysctl(self, netns, *settings):
        run(["nsenter", f"--net=/run/netns/{netns}", "sysctl", "-q", "-w", *settings])

    @staticmethod
    def _ip_batch(netns, lines):
        run(["ip", "-n", netns, "-batch", "-"], stdin="\n".join(lines) + "\n")


def _setns(descriptor):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, CLONE_NEWNET) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
