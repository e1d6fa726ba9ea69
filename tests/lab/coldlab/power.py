"""The power switch: what the forced command of the host `hyper` runs.

Reads `machine on|off|status NAME` from SSH_ORIGINAL_COMMAND, really boots or
really stops that machine, and prints its state as `on` or `off`.
"""

import os
import select
import sys

from .hyper import VERBS
from .lab import POWERED, Lab


def faulty(state, verb, name):
    """The fault that this call meets, or an empty string."""
    with state.lock("faults"):
        faults = state.read("faults", {})
        fault = faults.get(f"{verb} {name}") or faults.get(f"{verb} *")
        if fault is None:
            return ""
        fault["calls"] += 1
        state.write("faults", faults)
    if fault["mode"] == "flaky":
        return "fail" if fault["calls"] % 2 else ""
    return fault["mode"]


def hang_until_client_leaves():
    """Wait for the end of the SSH session that started this program."""
    poller = select.poll()
    poller.register(os.pidfd_open(os.getppid()), select.POLLIN)
    poller.poll()


def act(lab, verb, name):
    """Do what the words say, and return the state to print."""
    machine = lab.machines[name]
    if verb == "on":
        machine.power_on()
    elif verb == "off":
        machine.power_off()
    return "on" if machine.running() else "off"


def main():
    """Run one command of the power host; return the exit status."""
    lab = Lab.attach(sys.argv[1])
    words = os.environ.get("SSH_ORIGINAL_COMMAND", "").split()
    with open(lab.state.path("hyper", "calls"), "a", encoding="utf-8") as calls:
        calls.write(" ".join(words) + "\n")
    if len(words) != 3 or words[0] != "machine" or words[1] not in VERBS or words[2] not in POWERED:
        print(f"usage: machine {'|'.join(VERBS)} {'|'.join(POWERED)}", file=sys.stderr)
        return 2
    verb, name = words[1:]
    fault = faulty(lab.state, verb, name)
    if fault == "hang":
        hang_until_client_leaves()
    if fault in ("fail", "hang"):
        print("injected fault", file=sys.stderr)
        return 1
    print({"on": "on", "off": "off"}.get(verb, "off") if fault == "lie" else act(lab, verb, name))
    return 0


if __name__ == "__main__":
    sys.exit(main())
