"""What keeps coldmxd from acting, on real parts: shadow mode, grace, holds, the latch, the daily budget; and what
`coldmx` says of it, with each of its exit codes. One lab serves all tests of this file, in their order."""

import json
import re
import subprocess

import pytest

from coldlab import failover
from coldlab.failover import BUILD, PAIR, STANDARD, wait_for

UNIT = "postfix@-.service"
DONE, FAILED, USAGE, UNREACHABLE, REFUSED, RUNNING = range(6)
BUDGET = 2


@pytest.fixture(scope="module", name="product")
def fixture_product():
    """The product on a primary that runs and a standby that is off; no controller yet."""
    with failover.product_lab() as product:
        yield product


def start(product, **more):
    """A controller, the one before ended."""
    product.lab.controller.stop()
    product.start(PER_DAY=BUDGET, **more)


def die(product):
    """The primary's mail ends."""
    product.lab.machines["primary"].exec(["systemctl", "stop", UNIT])


def live(product):
    """The primary's mail is back."""
    product.lab.machines["primary"].exec(["systemctl", "start", UNIT])


def expect(product, code, *args):
    """`coldmx` ends with this code; its whole output."""
    done = product.coldmx(*args, timeout_s=600)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def conditions(product):
    """{name: condition} of `coldmx explain`."""
    return {c["name"]: c for c in json.loads(expect(product, DONE, "explain", PAIR, "--json"))["conditions"]}


def against(product):
    """Names of the conditions that stand against an automatic promotion."""
    return {name for name, condition in conditions(product).items() if not condition["met"]}


def history(product, what):
    """Rows of the audit trail of one kind."""
    rows = json.loads(expect(product, DONE, "history", PAIR, "--json"))["rows"]
    return [row for row in rows if row["what"] == what]


def boots_of_standby(product):
    """How often the standby's power button was pressed."""
    return product.lab.hyper.calls().count("machine on standby")


def settled(product, state):
    """The pair is in this state and no operation runs."""
    def look():
        status = product.status()
        operation = status.get("operation") or {"status": "none"}
        return status if status.get("state") == state and operation["status"] not in ("running", "undoing") else None
    return wait_for(f"{PAIR} settled {state}", look, 600)


def test_without_a_controller_and_with_wrong_words(product):
    """Exit 3 and 2, each with what to write instead."""
    assert "is it running" in expect(product, UNREACHABLE, "status")
    assert "a reason is required" in expect(product, USAGE, "failover", PAIR, "--yes")
    assert 'coldmx hold example --for "2 h"' in expect(product, USAGE, "hold", PAIR, "--reason", "x")
    assert "coldmx --help" in expect(product, USAGE, "promote", PAIR)


def test_failover_of_a_living_primary_is_refused(product):
    """Exit 4 with rule, value, limit and what would work; plans work and touch nothing."""
    start(product, MODE="shadow")
    product.wait_ready(180)
    said = expect(product, REFUSED, "failover", PAIR, "--reason", "I want to", "--yes")
    assert "refused (rule up-failover): the primary answers" in said
    assert "the pair is up, needed: unknown, suspect or down" in said
    assert f"what would work: coldmx plan {PAIR}" in said
    problem = json.loads(expect(product, REFUSED, "failover", PAIR, "--reason", "I want to", "--yes", "--json"))
    assert problem["rule"] == "up-failover" and problem["hint"]
    assert "rule no-hold" in expect(product, REFUSED, "release", PAIR, "--reason", "x")
    assert "rule up-resume" in expect(product, REFUSED, "resume", PAIR, "--reason", "x", "--yes")
    assert 'no pair is named "nobody"' in expect(product, USAGE, "status", "nobody")
    plan = expect(product, DONE, "plan", PAIR)
    assert re.search(r"new +20 mail1.example.test, 10 mail2.example.test", plan) and "nothing was touched" in plan
    for words in (("status",), ("status", PAIR), ("plan", PAIR), ("history", PAIR), ("explain", PAIR)):
        assert json.loads(expect(product, DONE, *words, "--json")), words


def test_shadow_mode_says_what_it_would_have_done(product):
    """The verdict is real, the page is out, and nothing was touched."""
    die(product)
    product.wait_state("down", timeout_s=60)
    wait_for("the page", lambda: any("would have promoted now" in page["text"]
                                     for page in product.lab.controller.pages()), 30)
    assert "would have promoted now" in product.status()["trouble"] and against(product) == {"mode"}
    assert boots_of_standby(product) == 0 and not history(product, "promote-begin")
    assert product.status()["operation"] is None and set(product.lab.dns.mx("ns1")) == STANDARD


def test_after_a_start_nothing_is_automatic_for_a_while(product):
    """Grace: the primary is dead, the mode is automatic, and the seconds that are left are shown."""
    start(product, MODE="automatic", GRACE="20 s")
    product.wait_state("down", timeout_s=19)
    assert against(product) == {"grace"} and "s left" in conditions(product)["grace"]["value"]
    assert "grace" in product.status()["trouble"] and boots_of_standby(product) == 0
    assert "held until" in expect(product, DONE, "hold", PAIR, "--for", "10 min", "--reason", "moving racks")


def test_a_hold_stops_until_it_expires(product):
    """Owner, reason and what is left are shown; its end lets the next tick act, and an abort undoes that."""
    wait_for("grace over", lambda: conditions(product)["grace"]["met"], 30)
    status = settled(product, "down")
    assert against(product) == {"hold"} and boots_of_standby(product) == 0
    value = conditions(product)["hold"]["value"]
    assert value.startswith("root (uid 0): moving racks (") and "left)" in value
    assert status["hold"]["owner"] == "root (uid 0)" and status["hold"]["reason"] == "moving racks"
    assert 0 < status["hold"]["expires_ms"] - status["hold"]["since_ms"] <= 600000
    assert "held by root (uid 0): moving racks" in expect(product, DONE, "explain", PAIR)
    assert "hold            until " in expect(product, DONE, "status", PAIR)
    expect(product, DONE, "hold", PAIR, "--for", "2 s", "--reason", "nearly done")
    product.wait_state("promoting", timeout_s=20)
    expect(product, DONE, "abort", PAIR, "--reason", "not yet", "--yes")
    status = settled(product, "down")
    assert status["operation"]["status"] == "undone" and not product.lab.machines["standby"].running()


def test_no_second_promotion_by_itself_until_acknowledged(product):
    """What was aborted counts: the latch holds; `ack` lifts it, and `release` of a hold lets it act."""
    assert against(product) == {"latch"} and f"coldmx ack {PAIR}" in product.status()["trouble"]
    assert conditions(product)["budget"]["value"].startswith("1 automatic promotion")
    expect(product, DONE, "hold", PAIR, "--for", "10 min", "--reason", "one moment")
    expect(product, DONE, "ack", PAIR, "--reason", "seen it")
    wait_for("only the hold", lambda: against(product) == {"hold"}, 10)
    assert product.status()["state"] == "down"
    expect(product, DONE, "release", PAIR, "--reason", "go")
    product.wait_state("promoted", timeout_s=600)
    assert [(row["who"], row["why"]) for row in history(product, "release")] == [("root (uid 0)", "go")]
    assert product.status()["operation"]["actor"] == "auto" and product.status()["latched"]
    said = expect(product, REFUSED, "failover", PAIR, "--reason", "again", "--yes")
    assert "rule promoted-failover" in said and f"what would work: coldmx failback {PAIR}" in said


def test_a_second_death_finds_latch_and_budget(product):
    """After the failback the pair is on its own feet, and the day's automatic promotions are spent."""
    live(product)
    said = expect(product, RUNNING, "failback", PAIR, "--reason", "well again", "--yes", "--wait", "1")
    assert f"follow it with coldmx status {PAIR} --watch" in said
    settled(product, "up")
    assert product.status()["operation"]["status"] == "done" and product.status()["latched"]
    die(product)
    settled(product, "down")
    assert against(product) == {"latch", "budget"} and f"coldmx ack {PAIR}" in product.status()["trouble"]
    expect(product, DONE, "ack", PAIR, "--reason", "seen it too")
    wait_for("only the budget", lambda: against(product) == {"budget"}, 10)
    spent = f"{BUDGET} automatic promotions today, limit {BUDGET}"
    wait_for("the veto", lambda: spent in (product.status().get("trouble") or ""), 10)
    assert product.status()["state"] == "down" and not product.lab.machines["standby"].running()
    assert [row["who"] for row in history(product, "promote-begin")] == ["auto"] * BUDGET


def test_a_failover_that_is_aborted_fails(product):
    """Exit 1 for who waited for it, 0 for who aborted it; a person is not bound by the budget."""
    lab = product.lab
    argv = ["ip", "netns", "exec", lab.state.netns("ctl"), BUILD / "coldmx", "failover", PAIR, "--reason", "by hand",
            "--yes", "--json", "--socket", lab.control_socket]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as waiting:
        product.wait_state("promoting", timeout_s=30)
        expect(product, DONE, "abort", PAIR, "--reason", "changed my mind", "--yes")
        said = waiting.communicate(timeout=120)[0]
    assert waiting.returncode == FAILED and json.loads(said)["status"] == "undone"
    assert "aborted by root (uid 0): changed my mind" in json.loads(said)["error"]["text"]
    assert not lab.machines["standby"].running() and set(lab.dns.mx("ns1")) == STANDARD
