"""Connection, authentication and first command over SSH: the driver beside libssh2 alone, against one OpenSSH on loopback,
in one run and in turns. Prints ms and the ratio; exit 1 when it is over the limit. BUILD as for the lab: COLDMX_BUILD."""

import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lab"))
from test_ssh_driver import BUILD, Sshd  # noqa: E402  pylint: disable=wrong-import-position

TURNS, LIMIT = 200, 1.1
BENCH = BUILD / "tests" / "lab" / "tools" / "ssh_bench"


def main():
    """Medians of all turns."""
    with tempfile.TemporaryDirectory() as folder:
        server = Sshd(pathlib.Path(folder))
        try:
            argv = [BENCH, "127.0.0.1", server.port, "root", server.dir / "user_ed25519", server.known, "hello", TURNS]
            done = subprocess.run([str(word) for word in argv], capture_output=True, text=True, check=False,
                                  env={**os.environ, "HOME": folder})
        finally:
            server.stop()
    if done.returncode:
        sys.exit(done.stderr)
    turns = [[int(word) / 1000 for word in line.split()] for line in done.stdout.splitlines()]
    ours, alone = ([turn[i] for turn in turns] for i in (0, 1))
    for name, values in (("driver", ours), ("libssh2 alone", alone)):
        print(f"{name}: {statistics.median(values):.1f} ms ({min(values):.1f}-{max(values):.1f})")
    ratio = statistics.median(ours) / statistics.median(alone)
    print(f"ratio: {ratio:.2f}, limit {LIMIT}")
    return ratio > LIMIT


if __name__ == "__main__":
    sys.exit(main())
