"""A controller that is killed in every step of an operation, and what its journal says once it is dead.

strace makes its disk slow: each page takes its time to be written, so that the end of a step is not durable at once
when its effect is there, and each commit waits after it is durable, so that even a step of commits alone is shown as
running before it is over. Nothing in the daemon knows.
"""

import contextlib
import os
import re
import shutil
import signal
import socket
import sqlite3
import tempfile
import time

from .failover import wait_for

COMMIT_MS = 300
PAGE_MS = 20
STRACE = ("strace", "-D", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=fdatasync,pwrite64",
          "-e", f"inject=fdatasync:delay_exit={COMMIT_MS * 1000}",
          "-e", f"inject=pwrite64:delay_enter={PAGE_MS * 1000}")
NO_LEAK_CHECK = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}  # which needs ptrace for itself
LOOK_S = 0.01
EFFECT_LOOKS_S = 0.05


class Journal:
    """The database of a controller, dead or alive, in a copy: nothing is changed for the next life."""

    def __init__(self, folder):
        with tempfile.TemporaryDirectory(prefix="coldmx-journal-") as copy:
            for name in ("coldmx.db", "coldmx.db-wal"):
                if (folder / name).exists():  # a daemon that ended well leaves no log
                    shutil.copy(folder / name, copy)
            with contextlib.closing(sqlite3.connect(f"{copy}/coldmx.db")) as db:
                self.tables = {name: db.execute(f"SELECT op, seq, body FROM {name} ORDER BY op, seq, id").fetchall()
                               for name in ("operation", "journal", "rights")}

    def operations(self):
        """[(op, kind, [step names])], oldest first."""
        return [(op, re.search(r"^kind=(.*)", body, re.MULTILINE)[1], re.findall(r"^step=(.*)", body, re.MULTILINE))
                for op, _, body in self.tables["operation"]]

    def step_in_hand(self):
        """The step of the last operation whose begin is the last that is durable, and whose end is not; or None."""
        op, _, names = (self.operations() or [(0, "", [])])[-1]
        last = [body for row_op, _, body in self.tables["journal"] if row_op == op][-1:]
        if not last or re.search(r"^ev=(done|undone)$", last[0], re.MULTILINE):
            return None
        return names[int(re.search(r"^step=(\d+)", last[0], re.MULTILINE)[1])]

    def rights(self):
        """[(epoch, record)] as they were granted."""
        return [(int(re.search(r"^epoch=(\d+)", body, re.MULTILINE)[1]), body)
                for _, _, body in self.tables["rights"]]


def listens(path):
    """Whether somebody takes connections there: a killed program's threads end when its tracer has seen to them."""
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as client:
        try:
            client.connect(str(path))
        except OSError:
            return False
    return True


class Killer:
    """Kills the controller once in each step of the next operation of a kind, and starts it again each time."""

    def __init__(self, product, kind, effects, **conf):
        """effects: {step: condition}, to be killed when the step's effect is there and its end is not durable; any
        other step is killed when its begin is durable and its end is not."""
        self.product, self.kind, self.effects, self.conf = product, kind, effects, conf
        self.folder = product.lab.controller.dir / "state"
        self.hit, self.missed, self.journal = [], [], None

    def start(self):
        """A life of the controller, with a slow disk."""
        self.product.start(under=STRACE, env=NO_LEAK_CHECK, **self.conf)

    def running_step(self):
        """Name of the step in hand; None when there is none, or no answer."""
        now = self.product.operation()
        running = [step["name"] for step in now.get("steps", []) if step["state"] == "running"]
        return running[0] if running and now["kind"] == self.kind else None

    def run(self, timeout_s=900.0):
        """Until the operation is over; then hit and missed tell what was done to it."""
        deadline = time.monotonic() + timeout_s
        wait_for(f"begin of {self.kind}", self.running_step, 120, LOOK_S)
        while time.monotonic() < deadline:
            step = self.running_step()
            if step and step not in self.hit and self._time_comes(step):
                self._kill(step)
            elif not step and self._over():
                return
            time.sleep(LOOK_S)
        raise AssertionError(f"{self.kind} is not over after {timeout_s:.0f} s: {self.product.steps()}")

    def _over(self):
        now = self.product.operation()
        return now.get("kind") == self.kind and now["status"] not in ("running", "undoing")

    def _time_comes(self, step):
        """Whether the time to kill comes while the step is in hand; looked for without a pause, as the end follows."""
        come = self.effects.get(step, lambda: self._caught_in(step))
        while self.running_step() == step:
            again = time.monotonic() + EFFECT_LOOKS_S
            while time.monotonic() < again:
                if come():
                    return True
                time.sleep(0.001)
        return False

    def _caught_in(self, step):
        """Whether the step's begin is durable and its end is not. The controller is stopped for the look, and stays so
        when the time has come, so that no step is over before the kill."""
        controller = self.product.lab.controller
        controller.signal(signal.SIGSTOP)
        if Journal(self.folder).step_in_hand() == step:
            return True
        controller.signal(signal.SIGCONT)
        time.sleep(LOOK_S)
        return False

    def _kill(self, step):
        self.product.lab.controller.stop(0)
        wait_for("the end of the killed controller", lambda: not listens(self.product.lab.control_socket), 30, LOOK_S)
        self.journal = Journal(self.folder)
        (self.hit if self.journal.step_in_hand() == step else self.missed).append(step)
        size = len(self.product.lab.controller.log())
        self.start()
        wait_for(f"a new life after {step}", lambda: self.running_step() or self._over() or
                 "is taken up again at" in self.product.lab.controller.log()[size:], 60, LOOK_S)

    def steps(self):
        """The names of the operation's steps, in order."""
        return self.journal.operations()[-1][2]
