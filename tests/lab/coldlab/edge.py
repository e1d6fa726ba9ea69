"""The router as an edge: an SSH server in its namespace whose only command is the product's nftables hook."""

import pathlib

from . import proc
from .hyper import SSHD_CONF
from .net import HOSTS, IPV4_NET, ROUTER, SUBNETS
from .product import REPOSITORY
from .sh import run

HOOK = REPOSITORY / "hooks" / "fence" / "nftables"
OUTSIDE = f"{IPV4_NET['outside']}.1", f"2001:db8:{SUBNETS['outside']}::1"


class Edge:
    """Starts the router's SSH server, and asks its filter what is true."""

    def __init__(self, lab):
        self.lab = lab
        self.dir = lab.state.dir / "edge"
        self.key = self.dir / "key"
        self.known_hosts = self.dir / "known_hosts"

    def start(self):
        """Make keys, and serve; ends with the lab."""
        self.dir.mkdir(parents=True)
        for name in ("host_key", "key"):
            run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "edge", "-f", self.dir / name])
        (self.dir / "sshd_config").write_text(SSHD_CONF.format(dir=self.dir, ipv4=OUTSIDE[0], ipv6=OUTSIDE[1]))
        (self.dir / "authorized_keys").write_text(
            f'restrict,command="{HOOK}" {self.key.with_suffix(".pub").read_text()}')
        host_key = " ".join((self.dir / "host_key.pub").read_text().split()[:2])
        self.known_hosts.write_text("".join(f"{address} {host_key}\n" for address in OUTSIDE))
        pathlib.Path("/run/sshd").mkdir(exist_ok=True)
        argv = ["/usr/sbin/sshd", "-D", "-e", "-f", self.dir / "sshd_config"]
        self.lab.state.write("procs/edge", proc.spawn(self.lab.net.enter(ROUTER) + argv, self.dir / "log"))
        self.lab.net.wait_answer("ctl", OUTSIDE[0], 22)

    def level(self, name="edge"):
        """This edge as a level of fencing in the controller's configuration."""
        return (f'{{ name = "{name}"; kind = "edge"; program = "{HOOK}"; parameters = ( "router={OUTSIDE[0]}", '
                f'"identity={self.key}", "known_hosts={self.known_hosts}" ); }}')

    def rules(self):
        """The router's own filter, as it says itself."""
        return run(self.lab.net.enter(ROUTER) + ["nft", "list", "ruleset"]).stdout

    def lets_through(self):
        """True when a stranger reaches the primary's port 25, in both families or in neither."""
        primary = HOSTS["primary"]
        answers = {self.lab.net.answers("sender", address, 25) for address in (primary.ipv4, primary.ipv6)}
        assert len(answers) == 1, "one family passes, the other does not"
        return answers.pop()
