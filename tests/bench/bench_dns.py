"""One MX replacement: the driver beside nsupdate, against one BIND 9 on loopback, in one run. Prints ms and ratios; exit
1 when the driver is not ahead. nsupdate is asked for the same: TCP, TSIG, value-dependent prerequisites, marker.
BUILD as for the lab: COLDMX_BUILD. The two take turns, so that other work on the machine meets both."""

import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lab"))
import dns_servers  # noqa: E402  pylint: disable=wrong-import-position
from dns_servers import NEW, OLD, SECRET, tool  # noqa: E402  pylint: disable=wrong-import-position

ROUNDS, TURNS = 10, 20  # TURNS is even: afterwards the old set is published


def change(expect, want, marker):
    """nsupdate's words for one swap; returns them and the new marker."""
    new = f"turn {marker}"
    lines = [f"prereq yxrrset example.test. IN MX {mx.replace(':', ' ')}." for mx in expect.split()]
    lines += [f'prereq yxrrset _coldmx.example.test. IN TXT "turn {marker - 1}"'] if marker else []
    lines += ["update delete example.test. MX", "update delete _coldmx.example.test. TXT"]
    lines += [f"update add example.test. 300 MX {mx.replace(':', ' ')}." for mx in want.split()]
    return "\n".join([*lines, f'update add _coldmx.example.test. 300 TXT "{new}"', "send", ""])


def nsupdate(server, key, batches):
    """ms a swap, with as many processes as batches."""
    began = time.monotonic()
    for batch in batches:
        text = f"server {server.addr} {server.port}\nzone example.test\n{batch}"
        subprocess.run(["nsupdate", "-v", "-k", str(key)], input=text, text=True, check=True, timeout=60)
    return (time.monotonic() - began) * 1000 / TURNS


def main():
    """Rounds of all three; medians."""
    one, many, ours, whole = [], [], [], []
    with tempfile.TemporaryDirectory() as folder:
        key = pathlib.Path(folder) / "key"
        key.write_text(f'key "coldmx" {{ algorithm hmac-sha256; secret "{SECRET}"; }};\n')
        with dns_servers.bind(pathlib.Path(folder) / "bind", dns_servers.free_port()) as server:
            for _ in range(ROUNDS):
                server.nsupdate("update delete _coldmx.example.test TXT")
                words = [change(*((OLD, NEW) if i % 2 == 0 else (NEW, OLD)), i) for i in range(TURNS)]
                one.append(nsupdate(server, key, words))
                server.nsupdate("update delete _coldmx.example.test TXT")
                many.append(nsupdate(server, key, ["".join(words)]))
                server.nsupdate("update delete _coldmx.example.test TXT")
                began = time.monotonic()
                done = tool(server.at, "turns", "example.test", str(TURNS), "300", OLD, NEW)
                whole.append((time.monotonic() - began) * 1000 / TURNS)
                assert done.returncode == 0, done.stderr
                ours.append(float(done.stdout.split("ms=")[1].split()[0]))
    figures = {"driver": ours, "driver with its process's start": whole,
               f"nsupdate, {TURNS} swaps in one process": many, "nsupdate, one process a swap": one}
    for name, values in figures.items():
        print(f"{name}: {statistics.median(values):.2f} ms a swap ({min(values):.2f}-{max(values):.2f})")
    for name, values in (("one process a swap", one), ("one process for all", many)):
        print(f"ratio to nsupdate, {name}: {statistics.median(values) / statistics.median(ours):.1f} x")
    return 0 if statistics.median(one) > statistics.median(ours) else 1


sys.exit(main())
