"""Run commands: one way to call a program and to fail with its words."""

import subprocess


class CommandFailed(RuntimeError):
    """A command of the lab ended with a status that its caller did not expect."""

    def __init__(self, argv, status, output):
        super().__init__(f"{' '.join(map(str, argv))}: exit {status}\n{output.strip()}")
        self.status = status
        self.output = output


def run(argv, stdin=None, timeout_s=60, check=True, env=None, pass_fds=()):
    """Run argv and return the CompletedProcess with text output.

    With check, a status other than 0 raises CommandFailed, which shows both
    output streams.
    """
    done = subprocess.run(
        [str(a) for a in argv], input=stdin, text=True, capture_output=True,
        timeout=timeout_s, env=env, pass_fds=pass_fds, errors="replace",
        stdin=subprocess.DEVNULL if stdin is None else None)
    if check and done.returncode != 0:
        raise CommandFailed(argv, done.returncode, done.stdout + done.stderr)
    return done
