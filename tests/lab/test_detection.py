"""What counts as a dead primary and what does not, on a real Postfix: hung, without power, one family lost, our own
network lost, refusing, busy. One lab; every test leaves the primary as it found it, the last ones leave it dead."""

import signal
import time

import pytest

from coldlab import failover
from coldlab.failover import PAIR, STANDARD, wait_for
from coldlab.net import HOSTS

PATIENT = {"PROBE_TIMEOUT": "8 s"}  # a Postfix that reloads on a loaded machine is slow, not dead
DEAD_ROUNDS = 3  # fail_after of the lab's configuration
STREAMS = ("/etc/postfix/main.cf", "/etc/postfix/master.cf", "/etc/postfix/mailboxes")


@pytest.fixture(scope="module", name="product")
def fixture_product():
    """A lab with the product, the primary up; the controller decides and touches nothing."""
    with failover.product_lab() as product:
        product.start(MODE="shadow")
        product.wait_ready(90)
        yield product


@pytest.fixture(name="automatic", params=[{}])
def fixture_automatic(product, request):
    """The same controller in automatic mode, primary up; afterwards nothing was promoted, nothing was switched on."""
    restart(product, MODE="automatic", **request.param)
    product.wait_ready(60)
    yield product
    status = product.status()
    assert not status["operation"] and not status["latched"], status
    assert "machine on standby" not in product.lab.hyper.calls() and not product.lab.machines["standby"].running()
    assert set(product.lab.dns.mx("ns1")) == STANDARD


@pytest.fixture(name="postfix")
def fixture_postfix(product):
    """change(shell) on the primary, whose Postfix then reads its configuration anew; undone at the end."""
    lab = product.lab

    def change(shell):
        lab.exec("primary", ["sh", "-ec", f"{shell}\npostfix reload"])
    lab.exec("primary", ["sh", "-ec", "".join(f"cp -p {path} {path}.kept\n" for path in STREAMS)])
    yield change
    change("".join(f"mv {path}.kept {path}\n" for path in STREAMS) + "postmap hash:/etc/postfix/mailboxes")
    wait_for("calm again", lambda: product.status().get("state") == "up" and answers_well(product), 30)


def restart(product, **more):
    """The controller anew on its journal."""
    product.lab.controller.stop()
    product.start(**more)


def conditions(product):
    """{name: row} of `coldmx explain`."""
    found = product.lab.controller.get_json(product.lab.control_socket, f"/v1/pairs/{PAIR}/explain")
    return {row["name"]: row for row in found.get("conditions", [])}


def value(product, name):
    """What `coldmx explain` says of one condition."""
    return conditions(product).get(name, {}).get("value", "")


def answers_well(product):
    """Both families say OK, nothing more."""
    return all(value(product, name) == "answers (ok)" for name in ("smtp-v4", "smtp-v6"))


def wait_value(product, name, text, timeout_s=30):
    """Waits until `coldmx explain` says so of a condition."""
    return wait_for(f"{name} says {text}", lambda: text in value(product, name), timeout_s)


def pages(product, since=0):
    """The text of all pages from the since-th on."""
    return "\n".join(page["text"] for page in product.lab.controller.pages()[since:])


def wait_page(product, text, since, timeout_s=30):
    """Waits for a page with these words."""
    wait_for(f"page with {text!r}", lambda: text in pages(product, since), timeout_s)


def states_while(product, seconds):
    """Every state that the pair shows during so many seconds."""
    end = time.monotonic() + seconds
    seen = []
    while time.monotonic() < end:
        state = product.status().get("state")
        if state and (not seen or seen[-1] != state):
            seen.append(state)
        time.sleep(0.05)
    return seen


def test_a_hung_primary_is_down_at_the_banner_and_up_when_it_goes_on(product):
    """The port is open, TCP is answered by the kernel, no program says a word."""
    before = len(product.lab.controller.pages())
    product.lab.machines["primary"].mail_signal("STOP")
    try:
        product.wait_state("down", timeout_s=60)
        assert product.lab.net.answers("ctl", HOSTS["primary"].ipv4, 25)
        for name in ("smtp-v4", "smtp-v6"):
            row = conditions(product)[name]
            assert row["met"] and int(row["value"].split()[0]) >= DEAD_ROUNDS and "banner: " in row["value"], row
        wait_page(product, "primary is DOWN; not acting: ", before)
    finally:
        product.lab.machines["primary"].mail_signal("CONT")
    product.wait_state("up", timeout_s=60)
    wait_for("both families well", lambda: answers_well(product))


def test_one_lost_family_degrades_pages_and_never_promotes(automatic):
    before = len(automatic.lab.controller.pages())
    automatic.lab.net.cut_family("primary", 6)
    try:
        wait_for("v6 is shown as down", lambda: automatic.status().get("families_down") == ["v6"], 60)
        status = automatic.status()
        assert status["state"] == "up" and "IPv6 of the primary is down" in status["trouble"], status
        wait_page(automatic, "does not answer over IPv6 (connect: ", before)
        said = automatic.coldmx("status", PAIR).stdout + automatic.coldmx("explain", PAIR).stdout
        assert said.count("IPv6 of the primary is down; the other family answers") == 2, said
        wait_for("twice the dead rounds", lambda: value(automatic, "smtp-v6").startswith(f"{2 * DEAD_ROUNDS} "), 60)
        assert automatic.status()["state"] == "up"
    finally:
        automatic.lab.net.heal("primary")
    wait_for("v6 is well again", lambda: automatic.status().get("families_down") == [], 60)
    assert pages(automatic, before).count("does not answer over IPv6") == 1


def test_a_cut_of_the_controller_itself_is_unknown(automatic):
    automatic.lab.net.cut("ctl")
    try:
        status = wait_for("unknown", lambda: (s := automatic.status()).get("verdict") == "unknown" and s, 60)
        assert "the controller itself is cut off" in status["trouble"], status
        assert "none answers: the controller is cut off" in value(automatic, "references")
        wait_value(automatic, "smtp-v4", "not counted (our own side): connect: ")
        assert set(states_while(automatic, 8)) == {"unknown"}
    finally:
        automatic.lab.net.heal("ctl")
    automatic.wait_state("up", timeout_s=60)


@pytest.mark.parametrize("automatic", [{"REFERENCES_EVERY": "20 s", "REFERENCES_TIMEOUT": "10 s"}], indirect=True)
def test_a_cut_shorter_than_one_reference_interval_is_no_evidence(automatic):
    """Long enough for fail_after rounds, over before any reference could say that it was ours."""
    wait_value(automatic, "references", "reachable")
    automatic.lab.net.cut("ctl")
    try:
        wait_value(automatic, "smtp-v4", "not counted: no reference", 30)
        seen = states_while(automatic, 6)
        row = conditions(automatic)["smtp-v4"]
        assert not row["met"] and row["value"].startswith("1 dead round ("), row
    finally:
        automatic.lab.net.heal("ctl")
    automatic.wait_state("up", timeout_s=60)
    assert "down" not in seen and "promoting" not in seen, seen


def test_a_flapping_network_of_the_controller_is_no_evidence(automatic):
    seen, noticed = [], {"suspect", "unknown"}
    try:
        for _ in range(5):  # a SYN sent again just after a cut can save a round: then once more
            for cut_s, whole_s in ((1.5, 0.5), (6.0, 0.7), (0.7, 0.3), (6.0, 0.4), (2.2, 0.6)):
                automatic.lab.net.cut("ctl")
                seen += states_while(automatic, cut_s)
                automatic.lab.net.heal("ctl")
                seen += states_while(automatic, whole_s)
            if noticed & set(seen):
                break
    finally:
        automatic.lab.net.heal("ctl")
    assert noticed & set(seen), "no cut was noticed: nothing was proven"
    assert not {"down", "promoting"} & set(seen), seen
    automatic.wait_state("up", timeout_s=60)


def dead_rounds(product, name):
    """How many rounds in a row a family is dead."""
    count = value(product, name).split(" dead round")[0]
    return int(count) if count.isdigit() else 0


def test_a_controller_that_was_stopped_does_not_act_on_what_it_missed(automatic):
    """One dead round is missing before DOWN and is under way; then the controller itself is stopped for 7 s."""
    controller, primary = automatic.lab.controller, automatic.lab.machines["primary"]
    for _ in range(3):
        wait_for("grace is over", lambda: conditions(automatic)["grace"]["met"], 60)
        size = len(controller.log())
        primary.mail_signal("STOP")
        try:
            wait_for("one round short of DOWN", lambda: min(dead_rounds(automatic, "smtp-v4"), dead_rounds(
                automatic, "smtp-v6")) == DEAD_ROUNDS - 1, 60, every_s=0.02)
            controller.signal(signal.SIGSTOP)
            time.sleep(7)
            controller.signal(signal.SIGCONT)
            seen = states_while(automatic, 1)
            wait_for("said", lambda said=size: "slept or was stopped" in controller.log()[said:], 10)
        finally:
            primary.mail_signal("CONT")
        assert seen and not {"down", "promoting"} & set(seen), seen
        automatic.wait_state("up", timeout_s=60)


@pytest.mark.parametrize("automatic", [PATIENT], indirect=True)
def test_a_refusal_of_the_probe_alone_pages_and_never_promotes(automatic, postfix):
    before = len(automatic.lab.controller.pages())
    postfix("sed -i /^probe@/d /etc/postfix/mailboxes; postmap hash:/etc/postfix/mailboxes")
    wait_page(automatic, "refuses our probe with 5xx", before)
    for name in ("smtp-v4", "smtp-v6"):
        wait_value(automatic, name, "550")
    wait_for("said in words", lambda: "the primary refuses our probe with 5xx" in
             (automatic.status()["trouble"] or ""))
    assert automatic.status()["state"] == "up"


@pytest.mark.parametrize("automatic", [PATIENT], indirect=True)
def test_a_busy_primary_is_alive(automatic, postfix):
    """450 at RCPT; 421 instead of a greeting; a greeting that goes on past the probe's deadline."""
    postfix("postconf -e smtpd_client_restrictions=defer")
    wait_value(automatic, "smtp-v4", "answers (busy")
    wait_value(automatic, "smtp-v6", "450")
    wait_for("said in words", lambda: "the primary answers only 4xx" in (automatic.status()["trouble"] or ""))
    postfix("postconf -e smtpd_client_restrictions= smtpd_client_connection_rate_limit=1")
    wait_value(automatic, "smtp-v4", "421")
    wait_value(automatic, "smtp-v6", "421")
    postfix("postconf -e smtpd_client_connection_rate_limit=0 postscreen_greet_wait=30s\n"
            "postconf -M 'smtp/inet=smtp inet n - y - 1 postscreen' 'smtpd/pass=smtpd pass - - y - - smtpd'")
    wait_value(automatic, "smtp-v4", "the greeting began (220-)")
    wait_value(automatic, "smtp-v6", "the greeting began (220-)")
    assert automatic.status()["state"] == "up"


def test_lost_power_is_down_at_connect_and_a_primary_never_seen_up_is_never_promoted(product):
    restart(product, MODE="shadow")
    product.wait_ready(60)
    product.lab.machines["primary"].unplug()
    product.wait_state("down", timeout_s=60)
    for name in ("smtp-v4", "smtp-v6"):
        row = conditions(product)[name]
        assert row["met"] and "the last at connect: " in row["value"], row
    product.forget()
    product.start(MODE="automatic")
    status = product.wait_state("down", timeout_s=60)
    assert status["trouble"].startswith("not acting: "), status
    wait_for("grace over, never seen up", lambda: "never seen up" in (product.status()["trouble"] or ""), 30)
    assert conditions(product)["seen-up"]["met"] is False and conditions(product)["grace"]["met"]
    assert set(states_while(product, 5)) == {"down"}
    assert "machine on standby" not in product.lab.hyper.calls() and not product.status()["operation"]
    wait_page(product, "primary is DOWN; not acting: ", 0)
