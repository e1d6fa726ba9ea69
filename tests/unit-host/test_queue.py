"""The queue digest and the export envelope, on recorded lines of a real `postqueue -j` and on hostile ones."""

import json
import pathlib
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
LIB = TOP / "hooks/host/lib"
RECORDED = (pathlib.Path(__file__).parent / "postqueue.jsonl").read_text()
REFUSED = "host 192.0.2.1[192.0.2.1] said: 550 5.1.1 unknown (in reply to RCPT TO command)"


def awk(program, text, *variables):
    argv = ["awk", "-f", LIB / "queue.awk", "-f", LIB / program]
    for variable in variables:
        argv += ["-v", variable]
    return subprocess.run(argv, input=text.encode(), capture_output=True, timeout=60, check=False)


def digest(text, corrupt=0):
    return awk("queue-digest.awk", text, "hold=on", "soft_bounce=off", f"corrupt={corrupt}")


def message(reasons, sender="a@example.org", queue_id="ABCDEF1", address="b@example.org"):
    recipients = [{"address": address, **({"delay_reason": reason} if reason else {})} for reason in reasons]
    return json.dumps({
        "queue_name": "deferred", "queue_id": queue_id, "arrival_time": 1795519789, "message_size": 225,
        "forced_expire": False, "sender": sender, "recipients": recipients,
    }) + "\n"


def counts(text, corrupt=0):
    lines = digest(text, corrupt).stdout.decode().splitlines()
    return [int(line.split("=")[1]) for line in lines[:3]]


def test_recorded_queue():
    answer = digest(RECORDED).stdout.decode().splitlines()
    assert answer == [
        "total=5", "refused=3", "waiting=2", "hold=on", "soft_bounce=off", "alike=3",
        'reason=550 5.1.1 <> said: 250 no such "user"',
        "refused_id=54CCE10ACF4", "refused_id=4BCA010ACF2", "refused_id=4754C10ACEF",
    ]


def test_empty_queue_and_corrupt_files():
    assert counts("") == [0, 0, 0]
    assert counts(message([REFUSED]), corrupt=2) == [3, 1, 2]


@pytest.mark.parametrize("reasons, refused", [
    ([REFUSED], 1), ([REFUSED, REFUSED], 1), ([REFUSED, None], 0), ([None], 0), ([], 0),
    ([REFUSED.replace("550", "450")], 0),
    (["host x[192.0.2.1] said: 450 4.2.0 host y[192.0.2.1] said: 550 no"], 0),
    (["host x[192.0.2.1] refused to talk to me: 554 5.3.2 no"], 0),
    (["connect to 192.0.2.1[192.0.2.1]:25: Connection timed out"], 0),
    (["host x[192.0.2.1] said: 5505 no"], 0),
])
def test_refused_means_every_recipient(reasons, refused):
    assert counts(message(reasons)) == [1, refused, 1 - refused]


HOSTILE = [
    '"}]}', '"delay_reason": "' + REFUSED, '\\', '\\"', '\\\\"', '{"recipients": [{', "]}{[", ': ', '", "sender": "x',
    "\\u0022", '\\\\\\"', 'said: 550', '"a\\"@b"', "\u00e9\u4e2d", "a\tb", '"', '"queue_id": "EVIL00',
]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_never_becomes_structure(text):
    line = message([text, REFUSED], sender=text, address=text)
    assert counts(line + message([REFUSED], sender=text, address=text)) == [2, 1, 1]
    assert b"EVIL" not in digest(line).stdout


@pytest.mark.parametrize("line", ["{", "[]", "null", '{"queue_name": "x"}', '{"queue_id": "A', "x" + message([REFUSED]), message([REFUSED])[:-20]])
def test_broken_lines_are_errors(line):
    answer = digest(line + "\n")
    assert answer.returncode == 1 and answer.stdout == b"" and b"line 1" in answer.stderr


def test_at_most_32_ids():
    text = "".join(message([REFUSED], queue_id=f"ABCDE{n:03d}") for n in range(40))
    lines = digest(text).stdout.decode().splitlines()
    assert lines[1] == "refused=40" and len(lines) == 7 + 32


def alike(text):
    return digest(text).stdout.decode().splitlines()[5:7]


def test_refusals_with_the_same_words_are_counted_whatever_address_they_name():
    policy = "host 192.0.2.1[192.0.2.1] said: 550 5.7.1 <{}>: Sender refused: SPF (in reply to MAIL FROM command)"
    text = "".join(message([policy.format(f"u{n}@x.test")], queue_id=f"ABCDE{n:03d}") for n in range(9))
    assert alike(text + message([REFUSED])) == ["alike=9", "reason=550 5.7.1 <>: Sender refused: SPF"]
    assert alike(message([None])) == ["alike=0", "reason="]


def test_the_reason_stays_one_short_line():
    nasty = "host x[192.0.2.1] said: 550 \nrefused_id=EVIL00 \u000a\x1b[1m" + "x" * 5000
    answer = digest(message([nasty])).stdout.decode().splitlines()
    assert len(answer) == 8 and len(answer[6]) <= 130 and answer[7] == "refused_id=ABCDEF1"


def test_many_recipients_are_linear():
    assert counts(message([REFUSED] * 20000)) == [1, 1, 0]


def test_envelope():
    wanted = ["coldmx-message 1", "id=54CCE10ACF4", "arrived=1795519789", 'sender="we said: 550 ird\\" }"@sender.test']
    assert awk("queue-envelope.awk", RECORDED, "want=54CCE10ACF4").stdout.decode().splitlines()[:4] == wanted
    assert awk("queue-envelope.awk", RECORDED, "want=NOTHERE").returncode == 1


@pytest.mark.parametrize("text", HOSTILE)
def test_envelope_keeps_addresses(text):
    answer = awk("queue-envelope.awk", message([REFUSED], sender="s@x", address=text), "want=ABCDEF1").stdout.decode()
    if text.isascii() and "\t" not in text:
        assert f"\nrecipient={text}\nreason={REFUSED}\n" in answer
