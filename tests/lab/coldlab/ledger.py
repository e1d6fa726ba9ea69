"""The ledger: numbered messages from acceptance to mailbox, none lost, doubles explained."""

import collections
import dataclasses
import pathlib
import re
import secrets
import smtplib
import threading
import time

from . import mail
from .dns import ZONE

LINE = re.compile(r"postfix/(?P<service>[\w-]+)\[\d+\]: (?P<qid>[0-9A-Za-z]{6,}): (?P<rest>.*)")
RELAY = re.compile(r"relay=(?P<relay>\S+?), .*status=(?P<status>\w+) \((?P<text>.*)\)")
RECEIVED = re.compile(r"^Received: (?:.*\n[ \t])*?.*\bid (\w+)", re.MULTILINE)  # the first: the last hop's
UNCONFIRMED = "while sending end of data"
# What a sender says when it goes on to the next address after it lost the answer: a line without a status.
LOST_ANSWER = re.compile(r"(?:lost connection|conversation) with (?P<relay>\S+) (?:timed out )?" + UNCONFIRMED)
ONE_BY_ONE = 1_000_000  # numbers of single messages begin here
QUEUES = ("maildrop", "incoming", "active", "deferred", "hold", "corrupt")
RECIPIENTS = tuple(f"user{n}@{ZONE}" for n in range(1, 6))


class _InsideSmtp(smtplib.SMTP):
    """An SMTP client whose connection begins at a host of the lab."""

    def __init__(self, net, src):
        self._net, self._src = net, src
        super().__init__(timeout=10, local_hostname="load.outside.test")

    def _get_socket(self, host, port, timeout):
        return self._net.connect(self._src, host, port, timeout)


@dataclasses.dataclass
class Trail:
    """What the logs of one host say of one message."""
    sent: list = dataclasses.field(default_factory=list)
    unconfirmed: list = dataclasses.field(default_factory=list)
    bounced: list = dataclasses.field(default_factory=list)
    tries: collections.Counter = dataclasses.field(default_factory=collections.Counter)  # by queue id
    deferred: collections.Counter = dataclasses.field(default_factory=collections.Counter)


def read_trails(log, run_id):
    """Trails by number from a Postfix log: {number: Trail}."""
    numbers, trails = {}, collections.defaultdict(Trail)
    wanted = re.compile(rf"message-id=<(\d+)\.{run_id}@")
    for line in log.splitlines():
        found = LINE.search(line)
        if not found:
            continue
        named = wanted.search(found["rest"])
        if named:
            numbers[found["qid"]] = int(named[1])
        number = numbers.get(found["qid"])
        if number is None:
            continue
        trail, outcome = trails[number], RELAY.search(found["rest"])
        if not outcome:
            lost = LOST_ANSWER.match(found["rest"])
            trail.unconfirmed += [lost["relay"]] if lost else []
            trail.tries[found["qid"]] += found["rest"].endswith("(queue active)")
            continue
        trail.deferred[found["qid"]] += outcome["status"] == "deferred"
        if outcome["status"] == "sent":
            trail.sent.append((found["qid"], outcome["relay"]))
        elif outcome["status"] == "bounced":
            trail.bounced.append(outcome["text"])
        elif UNCONFIRMED in outcome["text"]:
            trail.unconfirmed.append(outcome["relay"])
    return trails


class Ledger:
    """Submits numbered messages at a fixed rate and accounts for each of them."""

    def __init__(self, lab, per_second=10):
        self.lab, self.interval_s = lab, 1.0 / per_second
        self.run_id = secrets.token_hex(4)
        self.submitted = {}
        self.errors = []
        self.stranded = set()
        self._stop = threading.Event()
        self._thread = None

    def start(self):
        """Begin to submit, in a thread of its own."""
        self._thread = threading.Thread(target=self._submit_all, daemon=True)
        self._thread.start()

    def stop(self):
        """Stop submitting; what was submitted goes on its way."""
        self._stop.set()
        self._thread.join(30)

    def _submit_all(self):
        number, client = 1, None
        due = time.monotonic()
        while not self._stop.is_set():
            try:
                client = client or self._client()
                self._submit(client, number)
                number += 1
            except (OSError, smtplib.SMTPException) as error:
                self.errors.append(f"{number}: {error}")
                number, client = number + 1, None
            due += self.interval_s
            self._stop.wait(max(0.0, due - time.monotonic()))
        if client:
            client.close()

    def _client(self):
        client = _InsideSmtp(self.lab.net, "sender")
        client.connect("127.0.0.1", 25)
        return client

    def submit_to(self, recipient):
        """One message more, to this recipient; its number, far above those of the stream."""
        number = ONE_BY_ONE + len(self.submitted)
        client = self._client()
        self._submit(client, number, recipient)
        client.close()
        return number

    def _submit(self, client, number, recipient=None):
        client.sendmail("load@outside.test", [recipient or RECIPIENTS[number % len(RECIPIENTS)]],
                        f"From: load@outside.test\r\nSubject: number {number}\r\n"
                        f"Message-ID: <{number}.{self.run_id}@outside.test>\r\n\r\nnumber {number}\r\n")
        self.submitted[number] = time.monotonic()

    def sender_trails(self):
        """What the sender's log says of each number."""
        return read_trails(mail.sender_log(self.lab.machines["sender"]), self.run_id)

    def accepted(self):
        """{number: relay} of the messages that the sender saw accepted (250), by whom."""
        return {n: t.sent[0][1] for n, t in self.sender_trails().items() if t.sent}

    def delivered(self):
        """Counter of numbers in the primary's Maildirs."""
        return collections.Counter({number: len(copies) for number, copies in self._copies().items()})

    def _copies(self):
        """{number: [(the queue id that the primary had for a copy, when it was delivered)]}."""
        wanted = self._own_id()
        found = collections.defaultdict(list)
        base = self.lab.machines["primary"].root / mail.MAILBOX_BASE.lstrip("/") / ZONE
        for kind in ("new", "cur"):
            for path in base.glob(f"*/{kind}/*"):
                head = path.read_text(errors="replace")[:8192]
                named, received = wanted.search(head), RECEIVED.search(head)
                if named:
                    found[int(named[1])].append((received[1] if received else "", path.stat().st_mtime))
        return found

    def missing(self):
        """Numbers that were accepted and are neither delivered nor stranded."""
        return sorted(set(self.accepted()) - set(self.delivered()) - self.stranded)

    def wait_settled(self, timeout_s=120.0):
        """Wait until every submitted number is accepted, and delivered or (read_stranded) stranded."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if set(self.submitted) <= set(self.delivered()) | self.stranded and not self.missing():
                return True
            time.sleep(0.5)
        return False

    def _all_trails(self):
        """{host: trails} of the sender and both mail hosts."""
        trails = {"sender": self.sender_trails()}
        for host in ("primary", "standby"):
            trails[host] = read_trails(self.lab.machines[host].journal("-t", "postfix/cleanup", *_services()),
                                       self.run_id)
        return trails

    def doubles(self):
        """{number: (copies, reasons)}; a double without a reason is a fault of somebody."""
        doubled = {n: copies for n, copies in self._copies().items() if len(copies) > 1}
        if not doubled:
            return {}
        trails, booted = self._all_trails(), _booted_at(self.lab.machines["primary"])
        return {n: (len(copies), self._reasons(n, trails) + _across_a_boot(copies, booted))
                for n, copies in doubled.items()}

    def read_stranded(self, folder):
        """Takes the numbers that lie in the controller's exported folder (stranded_dir of coldmx.conf)."""
        self.stranded = set()
        for path in pathlib.Path(folder).glob("*/*.eml"):
            named = self._own_id().search(path.read_text(errors="replace"))
            if named:
                self.stranded.add(int(named[1]))
        return self.stranded

    def _own_id(self):
        return re.compile(rf"^Message-ID: <(\d+)\.{self.run_id}@", re.MULTILINE | re.IGNORECASE)

    def bounced(self):
        """{number: hosts} that any host gave up."""
        found = collections.defaultdict(list)
        for host, by_number in self._all_trails().items():
            for number, trail in by_number.items():
                if trail.bounced:
                    found[number].append(host)
        return dict(found)

    def standby_queue(self):
        """Files in the standby's queue, on its disk, whether it runs or not."""
        spool = self.lab.machines["standby"].root / "var/spool/postfix"
        return sorted(path.name for kind in QUEUES for path in (spool / kind).glob("**/*") if path.is_file())

    def faults(self):
        """What is wrong in the end, a sentence each: lost, bounced, left behind, doubled without a reason."""
        accepted = self.accepted()
        found = [f"number {n} was accepted by {accepted[n]} and is nowhere" for n in self.missing()]
        found += [f"number {n} was bounced by {', '.join(hosts)}" for n, hosts in self.bounced().items()]
        found += [f"{name} lies in the standby's queue" for name in self.standby_queue()]
        found += [f"number {n} came {copies} times without a reason" for n, (copies, reasons)
                  in self.doubles().items() if not reasons]
        return found

    @staticmethod
    def _reasons(number, trails):
        reasons = []
        for host, by_number in trails.items():
            trail = by_number.get(number, Trail())
            reasons += [f"{host} never saw the 250 of {relay}" for relay in trail.unconfirmed]
            queue_ids = [qid for qid, _ in trail.sent]
            reasons += [f"{host} delivered {qid} again after a stop" for qid in set(queue_ids)
                        if queue_ids.count(qid) > 1]
            # RFC 1047: ended between delivery and queue removal, so tried again without having been deferred
            reasons += [f"{host} was ended while it delivered {qid}" for qid in set(queue_ids)
                        if queue_ids.count(qid) == 1 and trail.tries[qid] > trail.deferred[qid] + 1]
        return reasons

    def report(self):
        """The ledger as text for a person."""
        accepted, delivered, doubles = self.accepted(), self.delivered(), self.doubles()
        by_relay = collections.Counter(relay.split("[")[0] for relay in accepted.values())
        bounced = sorted(self.bounced())
        lines = [f"submitted        {len(self.submitted):6}",
                 f"accepted (250)   {len(accepted):6}   "
                 + ", ".join(f"{relay} {count}" for relay, count in sorted(by_relay.items())),
                 f"in mailboxes     {len(delivered):6}",
                 f"stranded, listed {len(self.stranded):6}",
                 f"bounced          {len(bounced):6}   {bounced[:10] or ''}",
                 f"standby's queue  {len(self.standby_queue()):6}",
                 f"missing          {len(self.missing()):6}   {self.missing()[:10] or ''}",
                 f"doubled          {len(doubles):6}"]
        lines += [f"  number {n}: {copies} copies: {'; '.join(reasons) or 'NO REASON FOUND'}"
                  for n, (copies, reasons) in sorted(doubles.items())]
        return "\n".join(lines)


def _booted_at(machine):
    """When a machine's present boot began, in seconds of the clock that all of them share."""
    show = ["systemctl", "show", "--timestamp=unix", "-P", "UserspaceTimestamp"]
    return float(machine.exec(show).stdout.strip().lstrip("@"))


def _across_a_boot(copies, booted):
    """One file of the primary's queue, delivered before its last boot and after it: it lost power between delivery and
    removal (RFC 1047), and with it the last lines of its log, which would say so."""
    before = {qid for qid, at in copies if qid and at < booted}
    after = {qid for qid, at in copies if at >= booted}
    return [f"primary lost power after it delivered {qid}" for qid in sorted(before & after)]


def _services():
    """journalctl options that choose the Postfix services whose lines tell a message's way."""
    names = ("smtp", "relay/smtp", "virtual", "qmgr")
    return [word for name in names for word in ("-t", f"postfix/{name}")]
