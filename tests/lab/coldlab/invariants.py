"""What must hold at every instant of an operation, whoever dies: looked at from outside, all the time and at the end."""

import re
import threading

from .failover import STANDARD, SWAPPED
from .net import HOSTS
from .sh import run

RIGHTS = "/var/lib/coldmx-agent/rights"


class Watcher(threading.Thread):
    """Looks at the published MX sets and at both hosts' rights all the time; keeps what must never be seen."""

    def __init__(self, lab):
        super().__init__(daemon=True)
        self.lab, self.ended, self.looks, self.bad = lab, threading.Event(), 0, []

    def run(self):
        while not self.ended.wait(0.2):
            for server in ("ns1", "ns2"):
                self.look_at_mx(server)
            self.look_at_rights()
            self.looks += 1

    def look_at_mx(self, server):
        """An answer without one of the two whole sets is bad; no answer is none."""
        said = run(self.lab.net.enter("ctl") + ["dig", "+time=1", "+tries=1", "+noall", "+comments", "+answer",
                                                f"@{HOSTS[server].ipv4}", "example.test", "MX"], check=False).stdout
        if "status: " not in said:
            return
        found = set(re.findall(r"\sMX\s+(\d+ \S+)", said))
        if found not in (STANDARD, SWAPPED):
            self.bad.append(f"{server} published {sorted(found)}: {said}")

    def look_at_rights(self):
        """`own` is the primary's, in every record of either host."""
        for host in ("primary", "standby"):
            path = self.lab.machines[host].root / RIGHTS.lstrip("/")
            text = path.read_text() if path.exists() else ""
            if text and "\nown=primary\n" not in text:
                self.bad.append(f"{host} has the record {text!r}")


def serial(lab):
    """How often the zone was changed: its SOA serial."""
    return int(lab.dns.query("ns1", "example.test", "SOA")[0].split()[2])


def update_comes(lab):
    """A condition: the zone was changed since now. The name server's journal file grows, which is seen at once."""
    path = lab.dns.dir / "ns1" / "zone.db.jnl"

    def size():
        return path.stat().st_size if path.exists() else 0
    before = size()
    return lambda: size() != before


def calls(lab):
    """How often each change of power was ordered: {"on standby": 1, ...}."""
    words = [line.split(" ", 1)[1] for line in lab.hyper.calls() if "status" not in line]
    return {word: words.count(word) for word in set(words)}


def boots(machine):
    """How often the machine has booted."""
    return machine.journal("--list-boots").strip().count("\n") + 1


def check_rights(granted):
    """Epochs only rise, and one epoch is one record, however often it was granted."""
    epochs = [epoch for epoch, _ in granted]
    print(f"epochs granted: {epochs}")
    assert epochs == sorted(epochs) and len(set(granted)) == len(set(epochs)), granted
