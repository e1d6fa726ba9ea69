"""Fencing in levels on real parts: a power switch that lies in both ways, a real fence agent at a management board, and an
nftables edge on the router. Who lies is caught, the next level holds, and what was taken is given back."""

import pytest

from coldlab import failover
from coldlab.bmc import PASSWORD, Bmc
from coldlab.edge import Edge
from coldlab.failover import PAIR, STANDARD, SWAPPED, wait_for
from coldlab.net import HOSTS

SWITCH = '{ name = "switch"; site = "rack-1"; }'


@pytest.fixture(scope="module", name="product")
def fixture_product():
    """A lab with an edge, whose primary hangs while its machine stays on."""
    with failover.product_lab() as product:
        product.edge = Edge(product.lab)
        product.edge.start()
        product.bmc = Bmc(product.lab)
        product.bmc.start()
        product.start(MODE="manual", FENCE=f"{SWITCH}, {product.edge.level()}", SITE="rack-1",
                      LIMITS='boot = "20 s"; command = "9 s";')
        product.wait_ready(90)
        yield product


def step(product, name):
    """A step of the last operation."""
    return next(step for step in product.status()["operation"]["steps"] if step["name"] == name)


def hang(product):
    """The primary's mail hangs; the kernel still takes connections, and SSH answers."""
    product.lab.machines["primary"].mail_signal("STOP")
    product.wait_state("down", timeout_s=60)


def fail_back(product):
    """The primary is well again, and has its role back."""
    product.lab.machines["primary"].mail_signal("CONT")
    done = product.coldmx("failback", PAIR, "--reason", "repaired", "--yes", timeout_s=200)
    assert done.returncode == 0, done.stdout + done.stderr
    product.wait_state("up", timeout_s=60)


def test_a_plan_names_the_levels_and_warns_of_the_primarys_own_site(product):
    text = product.coldmx("plan", PAIR, check=True).stdout
    assert "switches it off" in text and "edge            cuts it off; it runs on behind it" in text
    assert "WARN: switch is at the primary's own site" in text and "WARN: edge" not in text


def test_a_promotion_that_is_undone_opens_the_edge_again(product):
    """The switch fails, the edge closes; and then a person says no."""
    lab = product.lab
    lab.hyper.fault("fail", ("off", "status"), "primary")
    hang(product)
    begun = product.coldmx("failover", PAIR, "--reason", "test", "--yes", "--no-wait")
    assert begun.returncode == 5, begun.stdout + begun.stderr
    wait_for("the edge closes", lambda: "192.0.2.10" in product.edge.rules(), 120)
    lab.hyper.repair()
    done = product.coldmx("abort", PAIR, "--reason", "not yet", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    ended = product.wait_end("promote")
    assert ended["status"] == "undone" and ended["fence"] is None, ended
    assert product.edge.lets_through() and lab.machines["primary"].running()
    lab.machines["primary"].mail_signal("CONT")
    product.wait_state("up", timeout_s=60)


@pytest.mark.parametrize("verbs,words", [
    (("off",), "switch: off reported done, it reads back as on"),
    (("off", "status"), "switch: it says off, the primary answers"),
])
def test_a_switch_that_lies_is_caught_and_the_edge_holds(product, verbs, words):
    lab = product.lab
    lab.hyper.fault("lie", verbs, "primary")
    before = len(lab.controller.pages())
    hang(product)
    done = product.coldmx("failover", PAIR, "--reason", "it hangs", "--yes", timeout_s=200)
    assert done.returncode == 0, done.stdout + done.stderr
    status = product.wait_state("promoted", timeout_s=60)
    assert status["operation"]["fence"] == {"level": "edge", "proves_off": False}, status["operation"]
    assert "edge: cut off, it runs on behind it, read back" in step(product, "fence")["note"]
    assert words in status["trouble"], status["trouble"]
    assert status["fenced_by"].endswith("edge") and "primary fenced" in product.coldmx("status", PAIR).stdout
    assert not product.edge.lets_through() and lab.machines["primary"].running()
    assert lab.net.answers("ctl", HOSTS["primary"].ipv4, 25), "the controller must see what is true"
    page = " ".join(page["text"] for page in lab.controller.pages()[before:])
    assert "The primary is cut off at edge and runs on behind it." in page and words in page, page
    history = product.coldmx("history", PAIR, "--json").stdout
    assert "cut_off_by" in history, history
    assert set(lab.dns.mx("ns1")) == SWAPPED
    lab.hyper.repair()
    fail_back(product)
    assert product.edge.lets_through() and product.status()["fenced_by"] is None
    assert "192.0.2.10" not in product.edge.rules() and set(lab.dns.mx("ns1")) == STANDARD


def test_a_switch_that_tells_the_truth_holds_alone(product):
    lab = product.lab
    hang(product)
    done = product.coldmx("failover", PAIR, "--reason", "it hangs", "--yes", timeout_s=200)
    assert done.returncode == 0, done.stdout + done.stderr
    status = product.wait_state("promoted", timeout_s=60)
    assert status["operation"]["fence"] == {"level": "switch", "proves_off": True}, status["operation"]
    assert status["fenced_by"] == "switch" and not lab.machines["primary"].running()
    assert "192.0.2.10" not in product.edge.rules()
    done = product.coldmx("failback", PAIR, "--reason", "repaired", "--yes", timeout_s=200)
    assert done.returncode == 0, done.stdout + done.stderr
    assert lab.machines["primary"].running() and product.status()["fenced_by"] is None


def check_config(product, fence):
    """What the daemon says of a configuration with these levels."""
    controller = product.lab.controller
    kept = controller.conf.read_text()
    controller.write_conf(product.lab.render("coldmx.conf.in", FENCE=fence))
    done = controller.run(failover.BUILD / "coldmxd", "--check-config", check=False)
    controller.write_conf(kept)
    return done


def test_a_configuration_is_held_to_what_the_agent_says_of_itself(product):
    done = check_config(product, product.bmc.level())
    assert done.returncode == 0, done.stdout + done.stderr
    done = check_config(product, product.bmc.level(more=', "pasword_scrpt=/x"'))
    said = done.stdout + done.stderr
    assert done.returncode != 0 and 'fence_redfish: "pasword_scrpt" is no parameter of this agent' in said, said
    assert "coldmx.conf:" in said and PASSWORD not in said


def test_a_real_agent_at_a_board_holds_when_the_switch_lies(product):
    """The switch says off in both ways; the agent's board really switches the primary off, and on again at failback."""
    lab = product.lab
    lab.controller.stop()
    product.start(MODE="manual", FENCE=f"{SWITCH}, {product.bmc.level()}, {product.edge.level()}", SITE="rack-1",
                  LIMITS='boot = "20 s"; command = "15 s";')
    product.wait_state("up", timeout_s=60)
    lab.hyper.fault("lie", ("off", "status"), "primary")
    hang(product)
    done = product.coldmx("failover", PAIR, "--reason", "it hangs", "--yes", timeout_s=200)
    assert done.returncode == 0, done.stdout + done.stderr
    status = product.wait_state("promoted", timeout_s=60)
    assert status["operation"]["fence"] == {"level": "board", "proves_off": True}, status["operation"]
    assert "switch: it says off, the primary answers" in step(product, "fence")["note"]
    assert product.bmc.calls() == ["off"] and not lab.machines["primary"].running()
    assert "192.0.2.10" not in product.edge.rules(), "no further level is used than the one that holds"
    assert PASSWORD not in lab.controller.log() and PASSWORD not in product.coldmx("history", PAIR, "--json").stdout
    lab.hyper.repair()
    done = product.coldmx("failback", PAIR, "--reason", "repaired", "--yes", timeout_s=200)
    assert done.returncode == 0, done.stdout + done.stderr
    assert product.bmc.calls() == ["off", "on"] and product.status()["fenced_by"] is None
    product.wait_state("up", timeout_s=60)


def test_a_persons_word_counts_when_nothing_answers_and_not_before(product):
    """The primary hangs, and its SSH answers: refused. Its plug is pulled: nobody is left to contradict."""
    lab = product.lab
    hang(product)
    refused = product.coldmx("failover", PAIR, "--confirm-fenced", "--reason", "I pulled the plug", "--yes", timeout_s=60)
    said = refused.stdout + refused.stderr
    assert refused.returncode == 4 and "the primary is not off: it answers" in said, said
    assert product.status()["state"] == "down", "a refusal touches nothing"
    lab.machines["primary"].power_off()
    done = product.coldmx("failover", PAIR, "--confirm-fenced", "--reason", "I pulled the plug", "--yes", timeout_s=200)
    assert done.returncode == 0, done.stdout + done.stderr
    status = product.wait_state("promoted", timeout_s=60)
    assert status["operation"]["fence"] == {"level": "person", "proves_off": True} and status["fenced_by"] is None
    assert step(product, "fence")["note"].endswith("confirms; nothing answered"), step(product, "fence")
    lab.machines["primary"].power_on()
    lab.net.wait_answer("ctl", HOSTS["primary"].ipv4, 25, 90)
    fail_back(product)
