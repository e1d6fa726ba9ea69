"""make install: whatever PREFIX is, the installed files name only places that were installed, and none outside it.

Not its job: what the programs do there (tests/lab installs with the default). Errors: without a build every test fails.
"""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("COLDMX_BUILD", TOP / "build/rel"))
OWN_NAME = r"/(?:lib/coldmx|s?bin/coldmx|share/(?:doc/)?coldmx)[\w./-]*"


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """A copy of the build: with another PREFIX one of its programs is linked anew."""
    copy = tmp_path_factory.mktemp("build") / "copy"
    return shutil.copytree(BUILD, copy, ignore=shutil.ignore_patterns("tests", "unit"))


@pytest.mark.parametrize("prefix", ["/usr", "/usr/local", "/opt/x"])
def test_installed_files_name_installed_places(build, tmp_path, prefix):
    tree = tmp_path / "tree"
    subprocess.run(["make", "-s", "-C", TOP, "install", f"VARIANT={BUILD.name}", f"BUILD={build}",
                    f"DESTDIR={tree}", f"PREFIX={prefix}"],
                   check=True, capture_output=True, timeout=300)
    named = set()
    for path in (path for path in tree.rglob("*") if path.is_file()):
        text = path.read_bytes().decode("latin-1")
        named |= {found.rstrip(".-/") for found in re.findall(r"(?:/opt/x|/usr/local|/usr)" + OWN_NAME, text)}
    assert {name for name in named if not re.fullmatch(prefix + OWN_NAME, name)} == set()
    assert {name for name in named if not (tree / name[1:]).exists()} == set()
    assert {f"{prefix}/sbin/coldmxd", f"{prefix}/bin/coldmx-agent", f"{prefix}/lib/coldmx/coldmx-host-root",
            f"{prefix}/lib/coldmx/harden.d", f"{prefix}/share/doc/coldmx/openapi.yaml"} <= named
    assert f"{prefix}/lib/coldmx/harden.d".encode() in (tree / prefix[1:] / "sbin/coldmxd").read_bytes()


@pytest.mark.parametrize("prefix", ["/usr", "/opt/x"])
def test_uninstall_removes_the_gates_first_and_leaves_what_is_the_hosts_own(build, tmp_path, prefix):
    tree = tmp_path / "tree"
    words = ["make", "-s", "-C", TOP, f"VARIANT={BUILD.name}", f"BUILD={build}", f"DESTDIR={tree}", f"PREFIX={prefix}"]
    subprocess.run([*words, "install"], check=True, capture_output=True, timeout=300)
    own = ["etc/coldmx/agent.conf", "var/lib/coldmx-agent/rights", "usr/bin/postfix"]
    gates = [f"{place}/{unit}.service.d/coldmx-gate.conf" for unit in ("postfix@-", "dovecot")
             for place in ("etc/systemd/system", "lib/systemd/system")]
    for path in (*own, *gates, "etc/systemd/system/dovecot.service.d/other.conf"):
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text("x\n")
    (tree / "var/lib/coldmx-agent/held").write_text("relay\n")
    said = subprocess.run([*words, "uninstall"], check=True, capture_output=True, text=True, timeout=60).stdout
    left = {str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file()}
    assert left == {*own, "var/lib/coldmx-agent/held", "etc/systemd/system/dovecot.service.d/other.conf"}
    assert not (tree / "etc/systemd/system/postfix@-.service.d").exists()
    assert said.splitlines()[0].startswith("removed ") and "postconf -e 'defer_transports=relay'" in said
    assert subprocess.run([*words, "uninstall"], check=False, capture_output=True, timeout=60).returncode == 0


def test_uninstall_removes_nothing_while_a_gate_stays(tmp_path):
    gate = tmp_path / "etc/systemd/system/postfix@-.service.d/coldmx-gate.conf"
    gate.mkdir(parents=True)  # rm -f refuses a folder
    agent = tmp_path / "usr/bin/coldmx-agent"
    agent.parent.mkdir(parents=True)
    agent.write_text("x")
    said = subprocess.run(["make", "-s", "-C", TOP, "uninstall", f"DESTDIR={tmp_path}"], check=False, capture_output=True,
                          timeout=60)
    assert said.returncode != 0 and agent.exists()
