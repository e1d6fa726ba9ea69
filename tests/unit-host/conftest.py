"""Fixtures for the host command's tests: a copy of it whose programs and folders are the test's own.

Not its job: a real Postfix, nft or sshd (tests/lab). Errors: a missing line in the scripts fails the fixture.
"""

import os
import pathlib
import shutil
import subprocess

import pytest

from agents import agent, controller, nameserver, pki  # noqa: F401 (fixtures)

TOP = pathlib.Path(__file__).resolve().parents[2]

# A program that writes its name and arguments, and its standard input, to a log.
RECORDER = """#!/bin/sh
printf '%s' "${0##*/}" >>"$LOG"; printf ' [%s]' "$@" >>"$LOG"; echo >>"$LOG"
"""


class Host:
    def __init__(self, folder):
        self.bin = folder / "bin"
        self.etc = folder / "etc"
        self.log = folder / "log"
        self.lib = folder / "lib"
        for made in (self.bin, self.etc):
            made.mkdir()
        shutil.copytree(TOP / "hooks/host/lib", self.lib)
        for name in ("coldmx-host", "coldmx-host-root"):
            self.copy(folder, name)
        self.folder = folder

    def copy(self, folder, name):
        text = (TOP / "hooks/host" / name).read_text()
        changes = {
            "PATH=/usr/sbin:": f"PATH={self.bin}:/usr/sbin:",
            "\nETC=/etc/coldmx\n": f"\nETC={self.etc}\n",
            "\nRUN=/run/coldmx-host\n": f"\nRUN={folder}/run\n",
            "\nAGENT=/usr/bin/coldmx-agent\n": f"\nAGENT={self.bin}/coldmx-agent\n",
        }
        for old, new in changes.items():
            assert old in text or name == "coldmx-host"
            text = text.replace(old, new)
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)

    def program(self, name, body=""):
        path = self.bin / name
        path.write_text(RECORDER + body + "\n")
        path.chmod(0o755)

    def run(self, argv, stdin=b"", **extra):
        env = {"PATH": os.environ["PATH"], "LOG": str(self.log), **extra}
        return subprocess.run(argv, input=stdin, env=env, capture_output=True, timeout=60, check=False)

    def ssh(self, line):
        return self.run([self.folder / "coldmx-host"], SSH_ORIGINAL_COMMAND=line)

    def root(self, *words, stdin=b""):
        return self.run([self.folder / "coldmx-host-root", *words], stdin)

    def calls(self):
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)
