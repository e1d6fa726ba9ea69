"""The word port in a network namespace of its own, with the ruleset that is shipped: closed, probes, open, rehearse; and
what a host that may only rehearse needs before mail runs."""

import os
import pathlib

import pytest

RULES = pathlib.Path(__file__).resolve().parents[2] / "etc/nftables/coldmx-standby.nft"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="a network namespace needs root")


def script(host, *lines, old=False):
    """Runs host words, one a line, behind the loaded ruleset; their output."""
    text = "".join(line for line in RULES.read_text().splitlines(True) if not line.startswith("include"))
    if old:  # as it was before drills
        text = text[:text.index("\t# What leaves the host")] + "}\n"
    (host.folder / "rules.nft").write_text(text)
    commands = [f"nft -f {host.folder}/rules.nft"]
    commands += [f"{host.folder}/coldmx-host-root {line}" if not line.startswith("nft ") else line for line in lines]
    done = host.run(["unshare", "-n", "sh", "-c", "\n".join(commands)])
    return done.stdout.decode() + done.stderr.decode()


@needs_root
def test_each_state_reads_back_and_ends_the_one_before(host):
    said = script(host, "port status", "port rehearse 192.0.2.1 2001:db8::1", "port status", "port probes 192.0.2.9",
                  "port rehearse", "nft list set inet coldmx blackhole4", "port closed", "port status")
    states = [line for line in said.splitlines() if line.startswith("port=")]
    assert states == [f"port={state}" for state in
                      ("closed", "rehearse", "rehearse", "probes", "rehearse", "closed", "closed")], said
    assert "192.0.2.1" not in said  # the primary is reached again when a drill is told so


@needs_root
def test_a_drill_shuts_mail_out_and_cuts_the_primary_off(host):
    said = script(host, "port rehearse 192.0.2.1 2001:db8::1", "nft list table inet coldmx")
    for line in ("tcp dport 25 reject with tcp reset", "ip daddr @blackhole4 drop", "ip6 daddr @blackhole6 drop",
                 "elements = { 192.0.2.1 }", "elements = { 2001:db8::1 }", 'oif "lo" accept'):
        assert line in said, said


@needs_root
def test_an_older_ruleset_still_closes_and_says_what_drills_need(host):
    said = script(host, "port probes 192.0.2.9", "port closed", "port rehearse", old=True)
    assert "port=probes" in said and "port=closed" in said and "copy coldmx-standby.nft" in said, said


@needs_root
def test_other_rules_are_no_state(host):
    said = script(host, "port rehearse", "nft add rule inet coldmx smtp accept", "port status")
    assert "beside an open port" in said, said


def test_names_are_refused(host):
    host.program("nft")
    assert host.root("port", "rehearse", "mail.example.org").returncode == 2
    assert host.calls() == []


def test_a_rehearsal_without_its_shut_port_starts_no_mail(host):
    host.program("coldmx-agent", "echo rehearse=yes")
    host.program("nft", "printf 'table inet coldmx {\\n\\tchain smtp {\\n\\t}\\n}\\n'")
    host.program("systemctl")
    answer = host.root("mail", "start")
    assert answer.returncode == 1 and b"may only rehearse" in answer.stderr
    assert not [call for call in host.calls() if call.startswith("systemctl")]
