"""A controller that dies at one commit after the other: each life of it gets one further, and is then killed.

strace kills it at a write to its write-ahead log, so that the commit is absent or torn, or at the sync behind the writes,
so that the commit is there and nobody was told. Both are counted from the start of a life, on the log's file alone.
"""

import dataclasses
import re
import time

from .failover import wait_for
from .restarts import LOOK_S, NO_LEAK_CHECK, Journal, listens

CALLS = {"write": "pwrite64", "sync": "fdatasync"}
STATE = {"promote": "promoted", "failback": "up"}  # in the end
WRITE_STRIDE = 3  # a third of a small commit's


@dataclasses.dataclass
class Death:
    """What a dead controller left: its operation's last durable row, and the step of it."""
    kind: str
    seq: int
    step: str
    event: str


class Walker:
    """Walks one operation from commit to commit."""

    def __init__(self, product, kind, at, **conf):
        """kind: promote, failback; at: "write" or "sync"."""
        self.product, self.kind, self.at, self.conf = product, kind, at, conf
        self.folder = product.lab.controller.dir / "state"
        self.count = 1  # of the call in this life that is deadly
        self.deaths = []

    def _under(self):
        call = CALLS[self.at]
        return ("strace", "-D", "-f", "-qq", "-o", "/dev/null", "-P", f"{self.folder}/coldmx.db-wal",
                "-e", f"trace={call}", "-e", f"inject={call}:signal=SIGKILL:when={self.count}")

    def start(self):
        """A life that will end."""
        self.product.start(under=self._under(), env=NO_LEAK_CHECK, **self.conf)

    def _dead(self):
        return not self.product.lab.controller.running() and not listens(self.product.lab.control_socket)

    def _over(self):
        """By the pair's state: an operation whose end became durable in the last life is not shown any more."""
        now = self.product.status()
        return now.get("state") == STATE[self.kind] and (now["operation"] or {}).get("status") != "running"

    def _note(self):
        journal = Journal(self.folder)
        kind = journal.operations()[-1][1] if journal.operations() else ""
        rows = [row for row in journal.tables["journal"] if row[0] == journal.operations()[-1][0]] if kind else []
        event = re.search(r"^ev=(.*)", rows[-1][2], re.MULTILINE)[1] if rows else ""
        death = Death(kind, rows[-1][1] if rows else 0, journal.step_in_hand() or "", event)
        self._aim(death)
        self.deaths.append(death)

    def _aim(self, death):
        """No further than the life before: the deadly call comes later in the next life, since what was killed at a write
        is absent and comes again, a step that is entered again notes its facts again, and a start syncs as well."""
        before = self.deaths[-1] if self.deaths else None
        same = before and (before.kind, before.step, before.event) == (death.kind, death.step, death.event)
        stride = WRITE_STRIDE if self.at == "write" else 1
        self.count = self.count + stride if same else 1  # from the beginning: what a start syncs is not always the same

    def walk(self, most=None, timeout_s=1500.0):
        """Until the operation is over, or so many deaths were died; then a life without an end goes on with it."""
        end = time.monotonic() + timeout_s
        while most is None or len(self.deaths) < most:
            wait_for(f"death {len(self.deaths) + 1} or the end of {self.kind}", lambda: self._dead() or self._over(),
                     120, LOOK_S)
            if not self._dead() and self._over():
                return
            self._note()
            assert time.monotonic() < end, f"{self.kind} is not over: {self.deaths[-5:]}"
            self.start()
        self.product.lab.controller.stop(0)
        self.product.start(**self.conf)
        self.product.wait_state(STATE[self.kind])

    def report(self):
        """For a person."""
        rows = sorted({death.seq for death in self.deaths})
        steps = list(dict.fromkeys(death.step for death in self.deaths if death.step))
        return (f"{self.kind}, killed at the {self.at} of a commit: {len(self.deaths)} deaths, behind {len(rows)} of "
                f"{rows[-1] if rows else 0} rows of the journal, in {len(steps)} steps: {', '.join(steps)}")
