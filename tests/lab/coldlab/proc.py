"""Start and end processes by their own identity: pid and start time, never a name."""

import os
import pathlib
import select
import signal
import time

CGROUP_ROOTS = ("/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified", "/sys/fs/cgroup")
JOIN_CGROUPS = 'n=$1; shift; while [ "$n" -gt 0 ]; do echo $$ >"$1/cgroup.procs"; shift; n=$((n-1)); done; exec "$@"'


def start_ticks(pid):
    """Start time of a living process in clock ticks since boot; None when it is gone or a zombie."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rsplit(")", 1)[1].split()
    return None if fields[0] in "ZX" else int(fields[19])


def identity(pid):
    """What names a process beyond the reuse of its number; None when it is gone."""
    ticks = start_ticks(pid)
    return None if ticks is None else {"pid": pid, "ticks": ticks}


def alive(record):
    """True while the process of identity() runs; collects it when it is our own child."""
    if not record:
        return False
    try:
        os.waitpid(record["pid"], os.WNOHANG)
    except ChildProcessError:
        pass
    return start_ticks(record["pid"]) == record["ticks"]


def spawn(argv, log, cgroups=(), env=None):
    """Start argv as a session of its own, output to the file log; return its identity."""
    if cgroups:
        argv = ["/bin/sh", "-c", JOIN_CGROUPS, "sh", str(len(cgroups)), *cgroups, *argv]
    argv = [str(word) for word in argv]
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    pid = os.posix_spawnp(argv[0], argv, env or dict(os.environ), file_actions=actions,
                          setsid=True, setsigmask=[], setsigdef=[signal.SIGINT, signal.SIGPIPE])
    return {"pid": pid, "ticks": start_ticks(pid)}


def wait_gone(record, timeout_s):
    """True when the process ended within the time."""
    if not alive(record):
        return True
    try:
        pidfd = os.pidfd_open(record["pid"])
    except ProcessLookupError:
        return True
    try:
        poller = select.poll()
        poller.register(pidfd, select.POLLIN)
        poller.poll(timeout_s * 1000)
    finally:
        os.close(pidfd)
    return not alive(record)


def send(record, signum):
    """Signal the process if it still is the same one; False when it is gone."""
    try:
        pidfd = os.pidfd_open(record["pid"])
    except (ProcessLookupError, TypeError):
        return False
    try:
        if not alive(record):
            return False
        signal.pidfd_send_signal(pidfd, signum)
        return True
    except ProcessLookupError:
        return False
    finally:
        os.close(pidfd)


def stop(record, grace_s=3.0):
    """End a process: SIGTERM, and SIGKILL after the grace time."""
    if not record:
        return
    if grace_s > 0 and send(record, signal.SIGTERM) and wait_gone(record, grace_s):
        return
    if send(record, signal.SIGKILL):
        wait_gone(record, 5.0)


def make_cgroups(name):
    """Make a control group of this name in each process hierarchy; return their paths.

    Two systemd machines in one group would take each other's processes for
    their own, so each machine gets a group.
    """
    paths = []
    for root in map(pathlib.Path, CGROUP_ROOTS):
        if (root / "cgroup.procs").exists():
            (root / name).mkdir(exist_ok=True)
            paths.append(str(root / name))
    return paths


def cgroup_pids(prefix):
    """Pids in all control groups whose name begins with prefix."""
    pids = set()
    for root in map(pathlib.Path, CGROUP_ROOTS):
        for procs in root.glob(f"{prefix}*/**/cgroup.procs"):
            pids.update(int(pid) for pid in _lines(procs) if pid != "0")
    return pids


def _lines(path):
    try:
        return path.read_text().split()
    except OSError:
        return []


def remove_cgroups(prefix, timeout_s=3.0):
    """Remove the control groups of this prefix, once their processes are gone."""
    deadline = time.monotonic() + timeout_s
    for root in map(pathlib.Path, CGROUP_ROOTS):
        for top in root.glob(prefix + "*"):
            while not _remove_tree(top) and time.monotonic() < deadline:
                time.sleep(0.05)


def _remove_tree(top):
    for folder, _, _ in os.walk(top, topdown=False):
        try:
            os.rmdir(folder)
        except OSError:
            return False
    return True
