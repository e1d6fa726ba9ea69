"""The main job, for people to watch: a real primary dies, the standby boots, is hardened and takes over, mail flows,
and comes home by failback. Exit 0 only when every accepted message is in a mailbox of the primary."""

import sys
import threading
import time

from coldlab import failover
from coldlab.lab import Lab
from coldlab.net import HOSTS


class Timeline:
    """Prints what happens, in seconds since a moment."""

    def __init__(self):
        self.zero = time.monotonic()

    def reset(self, text):
        """From now on seconds count from here."""
        self.zero = time.monotonic()
        self.say(text)

    def say(self, text):
        """One line."""
        print(f"{time.monotonic() - self.zero:7.1f} s  {text}", flush=True)


def title(text):
    """A heading between the parts."""
    print(f"\n=== {text}", flush=True)


def show(product, *args):
    """A command and what it prints, as an engineer sees it."""
    print(f"$ coldmx {' '.join(args)}")
    print(product.coldmx(*args).stdout, flush=True)


class Follower(threading.Thread):
    """Watches state, steps, name servers and the standby's queue, and says each change once."""

    def __init__(self, product, line):
        super().__init__(daemon=True)
        self.product, self.line = product, line
        self.ended = threading.Event()
        self.said = set()
        self.own_ms = 0

    def once(self, key, text):
        """Says it the first time."""
        if key not in self.said:
            self.said.add(key)
            self.line.say(text)

    def look_at_steps(self, operation):
        """Finished steps, with their seconds and our own share of them."""
        for step in operation["steps"]:
            if step["state"] in ("waiting", "running"):
                continue
            key = (operation["id"], step["name"], step["state"])
            if key in self.said:
                continue
            self.own_ms += step["own_ms"] or 0
            self.once(key, f"  {step['name']:<15} {step['state']:<8} {(step['took_ms'] or 0) / 1000:5.2f} s "
                           f"(own {step['own_ms'] or 0:3d} ms)  {step['note']}")

    def look_at_dns(self):
        """The MX set on each server, when it is not what it was."""
        for server in ("ns1", "ns2"):
            mx = " / ".join(sorted(self.product.lab.dns.mx(server)))
            self.once((server, mx), f"  DNS on {server}: {mx}")

    def run(self):
        state = None
        while not self.ended.wait(0.1):
            status = self.product.status()
            if status.get("state") and status["state"] != state:
                state = status["state"]
                self.line.say(f"{state.upper()}: {status['why']}")
            if status.get("operation"):
                self.look_at_steps(status["operation"])
            self.look_at_dns()


def wait_first_mail(product, line):
    """The first message from outside in the standby's queue."""
    standby = product.lab.machines["standby"]
    failover.wait_for("mail at the standby", lambda: standby.exec(["postqueue", "-j"], check=False).stdout.strip(), 60)
    line.say("first message waits at the standby")


def fail_over(product, line):
    """The primary's plug is pulled; nobody does anything."""
    line.reset("primary: plug pulled")
    product.lab.machines["primary"].unplug()
    product.wait_state("promoted", timeout_s=180)
    wait_first_mail(product, line)


def fail_back(product, line):
    """A repaired primary gets its role back, by order."""
    primary = product.lab.machines["primary"]
    line.reset("primary: power is back")
    primary.power_on()
    product.lab.net.wait_answer("ctl", HOSTS["primary"].ipv4, 25, 60)
    line.say("primary answers again; it serves, the standby's queue waits")
    product.coldmx("failback", failover.PAIR, "--reason", "repaired", "--yes", "--no-wait")
    product.wait_state("failing-back", timeout_s=10)
    product.wait_state("up", "stuck", timeout_s=240)


def main():
    """Builds the lab, runs the play, prints the ledger."""
    title("a lab: real systemd mail hosts, BIND, Knot, a power host, in namespaces of their own")
    lab = Lab.up(power=())
    product = failover.Product(lab)
    try:
        product.install()
        lab.machines["primary"].power_on()
        product.start(MODE="automatic", FENCE="none")
        product.wait_ready(timeout_s=90)
        show(product, "status", failover.PAIR)
        show(product, "explain", failover.PAIR)
        ledger = lab.ledger()
        ledger.start()
        time.sleep(3)
        line = Timeline()
        follower = Follower(product, line)
        title("the primary dies")
        follower.start()
        fail_over(product, line)
        promoted_own_ms = follower.own_ms
        show(product, "status", failover.PAIR)
        time.sleep(5)
        title("the primary comes back, failback")
        fail_back(product, line)
        ledger.stop()
        follower.ended.set()
        follower.join()
        show(product, "status", failover.PAIR)
        title("the ledger")
        settled = ledger.wait_settled(120)
        print(ledger.report())
        print(f"controller's own time in the promotion: {promoted_own_ms} ms (limit 300 ms)")
        good = settled and not ledger.missing() and product.status().get("state") == "up" and promoted_own_ms < 300
        print("OK: every accepted message came home" if good else "NOT OK")
        return 0 if good else 1
    except AssertionError as failed:
        print(f"NOT OK: {failed}\n--- controller\n{lab.controller.log()[-3000:]}")
        return 1
    finally:
        lab.controller.stop()
        lab.down()


if __name__ == "__main__":
    sys.exit(main())
