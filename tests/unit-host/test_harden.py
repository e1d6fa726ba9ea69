"""harden.d: headers, the shape of TAP, the environment and the list of known scripts; and the sample notify hook."""

import hashlib
import pathlib
import re
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
CONTROLS = sorted((TOP / "hooks/harden.d").iterdir())
CONTROL = b"#!/bin/sh\nset -u\n. $COLDMX_LIB/tap.sh\ntap_begin\n"


@pytest.mark.parametrize("path", CONTROLS, ids=lambda path: path.name)
def test_header(path):
    head = path.read_text().splitlines()[:15]
    assert re.fullmatch(r"[0-9][0-9]-[a-z0-9-]+", path.name) and path.stat().st_mode & 0o111
    assert head[0] in ("#!/bin/sh", "#!/bin/bash")
    assert "# BLOCK" in head
    assert sum(line in ("# phase: before-mail", "# phase: with-mail") for line in head) == 1
    assert any(line.startswith("# Not its job:") for line in head) and any(line.startswith("# Errors:") for line in head)


def tap_of(answer):
    lines = answer.stdout.decode().splitlines()
    assert lines[0] == "TAP version 13"
    results = [line for line in lines if re.match(r"(not )?ok ", line)]
    assert [int(re.search(r"ok (\d+)", line)[1]) for line in results] == list(range(1, len(results) + 1))
    assert lines[-1] == f"1..{len(results)}"
    return results


def test_tap_shape(host):
    body = b"tap_ok 'a # b'\ntap_not_ok c \"$(printf 'x\\ny\\033[1m')\"\ntap_try d false\ntap_try e true\ntap_equal f 1 1\ntap_equal g 1 2\ntap_skip h why\ntap_end\n"
    answer = host.root("harden", "99-x", "verify", stdin=CONTROL + body)
    assert answer.returncode == 1
    results = tap_of(answer)
    assert [line.startswith("ok") for line in results] == [True, False, False, True, True, False, True]
    assert results[0] == "ok 1 - a  b" and results[6] == "ok 7 - h # SKIP why"
    assert b"\n# x y[1m\n" in answer.stdout and b"# no reason given" in answer.stdout


def test_all_ok_is_success(host):
    answer = host.root("harden", "99-x", "apply", stdin=CONTROL + b"tap_ok $1\ntap_end\n")
    assert answer.returncode == 0 and tap_of(answer) == ["ok 1 - apply"]


def test_a_dying_control_leaves_no_plan(host):
    answer = host.root("harden", "99-x", "apply", stdin=CONTROL + b"tap_ok a\nexit 2\n")
    assert answer.returncode == 1 and b"1.." not in answer.stdout


def test_environment_is_host_conf_and_nothing_else(host):
    (host.etc / "host.conf").write_text("CONTROLLER4=192.0.2.1 192.0.2.2\nCONTROLLER6=2001:db8::1\nAGENT_PORT=8025\n")
    answer = host.run([host.folder / "coldmx-host-root", "harden", "99-x", "apply"], b"#!/bin/sh\nenv\n", LD_PRELOAD_X="evil")
    env = dict(line.split("=", 1) for line in answer.stdout.decode().splitlines())
    assert env["COLDMX_CONTROLLER4"] == "192.0.2.1 192.0.2.2" and env["COLDMX_SSH_PORT"] == "22" and env["COLDMX_AGENT_PORT"] == "8025"
    assert "LD_PRELOAD_X" not in env and "LOG" not in env


def test_only_listed_scripts_run_where_a_list_is(host):
    script = b"#!/bin/sh\necho ran\n"
    (host.etc / "harden.sums").write_text(f"{hashlib.sha256(script).hexdigest()}  10-x\n")
    assert host.root("harden", "10-x", "apply", stdin=script).stdout == b"ran\n"
    for name, text in (("11-x", script), ("10-x", script + b"\n")):
        answer = host.root("harden", name, "apply", stdin=text)
        assert answer.returncode == 2 and answer.stdout == b""


def test_other_interpreters_are_refused(host):
    assert host.root("harden", "10-x", "apply", stdin=b"#!/usr/bin/perl\n").returncode == 2
    assert host.root("harden", "10-x", "apply", stdin=b"").returncode == 2


def run_notify(tmp_path, word, text):
    env = {"PATH": "/usr/bin:/bin", "COLDMX_NOTIFY_FILE": str(tmp_path / "pages")}
    return subprocess.run([TOP / "hooks/notify/log-file", word], input=text, env=env, capture_output=True, check=False)


def test_notify_log_file(tmp_path):
    for _ in range(2):
        assert run_notify(tmp_path, "page", b'{"key":\n"k1"}\n').returncode == 0
    assert (tmp_path / "pages").read_text().splitlines() == ['{"key": "k1"} '] * 2
    assert run_notify(tmp_path, "other", b"{}").returncode == 2
    assert run_notify(tmp_path / "missing", "page", b"{}").returncode == 75


def test_shellcheck():
    scripts = [*CONTROLS, *(TOP / "hooks/host/lib").glob("*.sh"), TOP / "hooks/host/lib/smtp-say", TOP / "hooks/notify/log-file"]
    scripts += [TOP / "hooks/host/coldmx-host", TOP / "hooks/host/coldmx-host-root"]
    answer = subprocess.run(["shellcheck", "-x", *scripts], cwd=TOP, capture_output=True, check=False)
    assert answer.returncode == 0, answer.stdout.decode()
