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
