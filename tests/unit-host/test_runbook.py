"""The runbook as text: a script that bash takes, with every step of the plan, no secret, and every word quoted."""

import subprocess

import pytest
from test_daemon import COLDMXD, SECRETS, fixture_daemon  # noqa: F401

pytestmark = pytest.mark.skipif(not COLDMXD.exists(), reason="coldmxd is not built")
PROMOTE = ("guard", "power-on", "connect", "harden", "maps", "grant", "start-mail", "open-port", "switch-dns")
BACK = ("guard", "verify-primary", "grant", "switch-dns", "drain", "close-port", "settle", "power-off")


def bash(script, *options):
    """To its end."""
    return subprocess.run(["bash", *options], input=script, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("option, steps", [("--runbook", PROMOTE), ("--runbook-back", BACK)])
def test_a_runbook_is_a_whole_script(daemon, option, steps, tmp_path):
    made = daemon.run(option, "example")
    assert made.returncode == 0, made.stderr
    checked = bash(made.stdout, "-n")
    assert checked.returncode == 0, checked.stderr
    path = tmp_path / "runbook.sh"
    path.write_text(made.stdout)
    listed = subprocess.run(["bash", path, "list"], capture_output=True, text=True, timeout=60, check=True).stdout
    names = [line.split()[1] for line in listed.splitlines()]
    assert set(steps) <= set(names) and len(names) == len(set(names))
    for name, secret in SECRETS.items():
        assert len(secret) < 12 or secret not in made.stdout, f"{name} is in the script"
    for number, name in enumerate(names, 1):
        body = made.stdout.split(f"step_{number}() {{ # {name}", 1)[1].split("\n}\n", 1)[0]
        assert "\n\t" in body, f"{name} does nothing"


def test_an_unknown_pair_and_maps_that_are_not_there_are_errors(daemon):
    refused = daemon.run("--runbook", "nobody")
    assert refused.returncode == 2 and 'no pair is named "nobody"' in refused.stderr and not refused.stdout
    refused = daemon.run("--kept-maps", "example")
    assert refused.returncode == 1 and "example" in refused.stderr and not refused.stdout
