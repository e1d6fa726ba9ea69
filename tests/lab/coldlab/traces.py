"""What of a lab can be found on the machine: the proof that nothing was left behind."""

import pathlib

from . import proc
from .state import State


def traces(lab_id):
    """One line for each thing on this machine that belongs to the lab."""
    state = State(lab_id)
    found = [f"folder {state.dir}"] if state.dir.exists() else []
    for parent in ("/run/netns", "/etc/netns"):
        found += [f"namespace {path}" for path in pathlib.Path(parent).glob(state.prefix + "*")]
    mounts = pathlib.Path("/proc/self/mountinfo").read_text().splitlines()
    found += [f"mount {line}" for line in mounts if f"/{lab_id}/" in line or state.prefix in line]
    for root in map(pathlib.Path, proc.CGROUP_ROOTS):
        found += [f"control group {path}" for path in root.glob(f"coldmx-lab-{lab_id}-*")]
    found += [f"nspawn {path}" for path in pathlib.Path("/run/systemd/nspawn").glob(f"*/*{state.prefix}*")]
    for command in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = command.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if f"/{lab_id}/" in line or state.prefix in line or f"guard {lab_id}" in line:
            found.append(f"process {command.parent.name}: {line[:200]}")
    return found
