"""Build and cache the base image: a Debian tree that every mail host overlays.

The image lies outside the checkout and is keyed by its package list and by
RECIPE_VERSION, so that a change of either builds a new one.
"""

import fcntl
import hashlib
import os
import pathlib
import shutil

from .sh import run

RECIPE_VERSION = 2
PACKAGE_LIST = pathlib.Path(__file__).resolve().parents[3] / "packages" / "lab-image.txt"
MASKED_UNITS = (
    "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer",
    "e2scrub_all.timer", "fstrim.timer", "console-getty.service",
    "getty.target", "systemd-firstboot.service",
)


def cache_dir():
    """The folder of built images, outside every checkout."""
    return pathlib.Path(os.environ.get("COLDMX_LAB_CACHE", "/var/cache/coldmx-lab"))


def packages():
    """Package names of the base image, without comments."""
    lines = PACKAGE_LIST.read_text().splitlines()
    names = (line.split("#")[0].strip() for line in lines)
    return sorted({name for name in names if name})


def suite():
    """The code name of the Debian release of this machine."""
    for line in pathlib.Path("/etc/os-release").read_text().splitlines():
        if line.startswith("VERSION_CODENAME="):
            return line.split("=", 1)[1].strip('"')
    raise RuntimeError("/etc/os-release names no VERSION_CODENAME: the lab needs Debian")


def _deb822_stanzas(path):
    """Yield each stanza of a .sources file as a dict of its fields."""
    stanza = {}
    for line in path.read_text().splitlines() + [""]:
        if not line.strip():
            if stanza:
                yield stanza
            stanza = {}
        elif not line.startswith(("#", " ", "\t")) and ":" in line:
            field, value = line.split(":", 1)
            stanza[field.strip().lower()] = value.strip()


def _one_line_entry(line):
    """Split a `deb [options] URI suite component...` line, or return None."""
    words = line.split("#")[0].split()
    if len(words) < 4 or words[0] != "deb":
        return None
    options = ""
    if words[1].startswith("["):
        end = next(i for i, word in enumerate(words) if word.endswith("]"))
        options = " ".join(words[1:end + 1]).strip("[]")
        words = [words[0]] + words[end + 1:]
    signed = [o.split("=", 1)[1] for o in options.split() if o.startswith("signed-by=")]
    return {"uris": words[1], "suites": words[2], "components": " ".join(words[3:]),
            "signed-by": signed[0] if signed else "", "types": "deb"}


def mirror():
    """Mirror and keyring of this machine's own apt sources, for its release."""
    apt = pathlib.Path("/etc/apt")
    entries = []
    for path in sorted(apt.glob("sources.list.d/*.sources")):
        entries += _deb822_stanzas(path)
    for path in [apt / "sources.list", *sorted(apt.glob("sources.list.d/*.list"))]:
        if path.exists():
            entries += filter(None, map(_one_line_entry, path.read_text().splitlines()))
    for entry in entries:
        if (suite() in entry.get("suites", "").split()
                and "main" in entry.get("components", "").split()
                and "deb" in entry.get("types", "deb").split()):
            return entry["uris"].split()[0], entry.get("signed-by", "")
    raise RuntimeError(f"apt's sources have no entry for {suite()} main")


def _proxy_env():
    """The environment with apt's proxy, which debootstrap would not see."""
    env = dict(os.environ)
    shell = run(["apt-config", "shell", "P", "Acquire::http::Proxy"]).stdout
    if shell.startswith("P='"):
        env["http_proxy"] = shell.split("'")[1]
    return env


def key():
    """Name of the image: changes with the packages, the release and the recipe."""
    text = "\n".join([str(RECIPE_VERSION), suite(), *packages()])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def ensure():
    """Return the path of the built image; build it first if it is not there."""
    images = cache_dir()
    images.mkdir(parents=True, exist_ok=True)
    final = images / f"image-{key()}"
    if final.exists():
        return final  # it is renamed into place whole; a build of another key may hold the lock for minutes
    with open(images / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not final.exists():
            _remove_half_built(images)
            building = images / f"building-{key()}"
            _debootstrap(building, lock)
            _finish(building)
            building.rename(final)
    return final


def _remove_half_built(images):
    """Delete what an interrupted build left; the lock says that none is running."""
    for half in images.glob("building-*"):
        for mounted in ("proc", "sys"):
            run(["umount", "-l", half / mounted], check=False)
        shutil.rmtree(half)


def _debootstrap(target, lock):
    """Fill the tree. debootstrap inherits the lock: it holds even when we are killed before it ends."""
    uri, keyring = mirror()
    debs = cache_dir() / "debs"
    debs.mkdir(exist_ok=True)
    argv = ["debootstrap", "--variant=minbase", f"--cache-dir={debs}",
            f"--include={','.join(packages())}"]
    if keyring.startswith("/"):
        argv.append(f"--keyring={keyring}")
    run([*argv, suite(), target, uri], timeout_s=1800, env=_proxy_env(),
        pass_fds=[lock.fileno()])


def _finish(root):
    """Take away what hosts must not share, and what a lab host never needs."""
    (root / "usr/sbin/policy-rc.d").unlink(missing_ok=True)
    for shared_key in (root / "etc/ssh").glob("ssh_host_*"):
        shared_key.unlink()
    (root / "etc/machine-id").write_text("")
    (root / "etc/hostname").unlink(missing_ok=True)
    (root / "etc/resolv.conf").unlink(missing_ok=True)
    for lists in ("var/lib/apt/lists", "var/cache/apt/archives"):
        shutil.rmtree(root / lists, ignore_errors=True)
        (root / lists / "partial").mkdir(parents=True)
    (root / "var/log/journal").mkdir(exist_ok=True)
    for unit in MASKED_UNITS:
        link = root / "etc/systemd/system" / unit
        link.unlink(missing_ok=True)
        link.symlink_to("/dev/null")
