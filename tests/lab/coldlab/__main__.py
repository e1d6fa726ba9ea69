"""The lab's command line: up, down, sweep, status, sh."""

import argparse
import os
import sys
import time

from . import proc
from .lab import POWERED, Lab, sweep
from .machine import MachineOff
from .net import HOSTS
from .state import all_lab_ids


def up(arguments):
    """Build a lab that stays until it is taken down; print its name."""
    began = time.monotonic()
    lab = Lab.up(owned=False, power=arguments.power)
    print(f"lab {lab.state.lab_id} is up after {time.monotonic() - began:.1f} s")
    return 0


def down(arguments):
    """Take down the named lab, the stale ones, or all."""
    if arguments.all_stale:
        print("\n".join(sweep()))
        return 0
    for lab_id in all_lab_ids() if arguments.all else arguments.lab:
        Lab.attach(lab_id).down()
    return 0


def status(_arguments):
    """Print each lab, its owner and its machines."""
    for lab_id in all_lab_ids():
        lab = Lab.attach(lab_id)
        owner = lab.owner()
        whose = "stale" if lab.stale() else f"owned by {owner['pid']}" if owner else "kept"
        print(f"{lab_id}  {whose}")
        for name, machine in lab.machines.items():
            print(f"  {name:8} {'on ' if machine.running() else 'off'}  {HOSTS[name].ipv4}  {HOSTS[name].ipv6}")
    return 0


def shell(arguments):
    """Become a shell at a host of a lab."""
    lab = Lab.attach(arguments.lab or all_lab_ids()[-1])
    try:
        argv = lab.shell_argv(arguments.host)
    except MachineOff as off:
        print(off, file=sys.stderr)
        return 1
    os.execvp(argv[0], argv)
    return 0


def guard(arguments):
    """Wait for the end of a lab's owner, then take the lab down."""
    lab = Lab.attach(arguments.lab)
    while proc.alive(lab.owner()):
        proc.wait_gone(lab.owner(), 3600.0)
    lab.down()
    return 0


def main():
    """Read the command line and run one command."""
    parser = argparse.ArgumentParser(prog="coldlab", description=__doc__)
    commands = parser.add_subparsers(required=True)
    each = commands.add_parser("up", help="build a lab")
    each.add_argument("--power", nargs="*", choices=POWERED, default=["primary"], help="machines to boot")
    each.set_defaults(run=up)
    each = commands.add_parser("down", help="take labs down")
    each.add_argument("lab", nargs="*")
    each.add_argument("--all", action="store_true")
    each.add_argument("--all-stale", action="store_true", help="only those whose owner is gone")
    each.set_defaults(run=down)
    each = commands.add_parser("sweep", help="the same as down --all-stale")
    each.set_defaults(run=down, all_stale=True)
    each = commands.add_parser("status", help="show labs and machines")
    each.set_defaults(run=status)
    each = commands.add_parser("sh", help="a shell at a host")
    each.add_argument("host", choices=sorted(HOSTS))
    each.add_argument("--lab")
    each.set_defaults(run=shell)
    each = commands.add_parser("guard", help="used by the lab itself")
    each.add_argument("lab")
    each.set_defaults(run=guard)
    arguments = parser.parse_args()
    return arguments.run(arguments)


if __name__ == "__main__":
    sys.exit(main())
