"""The state folder of one lab: small JSON files, locks, and the lab's names.

Everything that a lab makes on the machine lies in this folder or carries the
lab's name, so that it can be found and removed when its owner was killed.
"""

import contextlib
import fcntl
import json
import os
import pathlib
import re
import secrets


def labs_root():
    """The folder that holds one folder a lab."""
    return pathlib.Path(os.environ.get("COLDMX_LAB_STATE", "/run/coldmx-lab"))


def new_lab_id():
    """A fresh name, short enough for interface and namespace names."""
    return secrets.token_hex(3)


def all_lab_ids():
    """Names of the labs that have a state folder."""
    try:
        names = os.listdir(labs_root())
    except FileNotFoundError:
        return []
    return sorted(name for name in names if re.fullmatch(r"[0-9a-f]{6}", name))


@contextlib.contextmanager
def parents_kept():
    """Meanwhile no other lab removes the folders that labs share because it finds them empty."""
    handle = os.open("/run", os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def make_below_shared(folder):
    """Make a lab's own folder in one that labs share."""
    with parents_kept():
        folder.mkdir(parents=True, exist_ok=True, mode=0o755)


def remove_empty(*folders):
    """Remove the folders that labs share, once no lab has anything in them."""
    with parents_kept():
        for folder in folders:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()


class State:
    """Names, files and locks of one lab."""

    def __init__(self, lab_id):
        if not re.fullmatch(r"[0-9a-f]{6}", lab_id):
            raise ValueError(f"not the name of a lab: {lab_id!r}")
        self.lab_id = lab_id
        self.prefix = f"cmx-{lab_id}-"
        self.dir = labs_root() / lab_id

    def netns(self, host):
        """Name of the network namespace of a host."""
        return self.prefix + host

    def path(self, *parts):
        """A path in the state folder, whose parent exists afterwards."""
        path = self.dir.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def read(self, name, default=None):
        """The value that write() stored under this name, or the default."""
        try:
            return json.loads(self.dir.joinpath(name + ".json").read_text())
        except FileNotFoundError:
            return default

    def write(self, name, value):
        """Store a JSON value; a reader sees the old one or the new one."""
        path = self.path(name + ".json")
        fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
        fresh.write_text(json.dumps(value))
        fresh.replace(path)

    def forget(self, name):
        """Remove a stored value; an absent one is fine."""
        self.dir.joinpath(name + ".json").unlink(missing_ok=True)

    @contextlib.contextmanager
    def lock(self, name):
        """Hold the lab's lock of this name, against other processes too."""
        with open(self.path("locks", name), "w", encoding="ascii") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
