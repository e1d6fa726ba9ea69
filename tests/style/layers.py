"""Holds the rows of the house: a file includes only its own folder's headers or a row above, and each third-party
header stays in the folders named for it. Prints one line a breach; exit 1 when there is one."""
import os
import re
import subprocess
import sys

# folder -> folders that it may include besides its own
BASE = {"common/base"}
COMMON = BASE | {"common/net", "common/proto", "common/dns", "common/probe", "common"}
DECIDE = {"common/base", "common/probe", "controller"}
MAY = {
    "common/base": set(),
    "common/net": BASE,
    "common/proto": BASE,
    "common/dns": BASE | {"common/net"},
    "common/probe": BASE | {"common/net", "common/proto"},
    "common": BASE,
    "controller": {"common/base", "common/probe", "common"},
    "controller/core": DECIDE | {"controller/step"},
    "controller/step": DECIDE | {"controller/core"},
    "controller/engine": DECIDE | {"controller/core", "controller/step"},
    "controller/real": COMMON | {"controller", "controller/driver", "controller/store"},
    "controller/driver": COMMON | {"controller", "controller/real"},
    "controller/store": COMMON | {"controller", "controller/real"},
    "controller/readiness": COMMON | {"controller", "controller/engine", "controller/core"},
    "controller/surface": COMMON | {"controller", "controller/engine", "controller/core", "controller/real",
                                    "controller/store"},
    "agent": COMMON,
    "cli": COMMON,
}
# core and step see only these of common/base
DECIDE_BASE = {"err.h", "attr.h", "strbuf.h", "mem.h", "basic.h"}
THIRD_PARTY = {
    "uv.h": {"controller/real", "controller"},
    "ares.h": {"controller/real"},
    "ldns/": {"common/dns", "controller/driver"},
    "libssh2.h": {"controller/driver"},
    "libconfig.h": {"common/base"},
    "microhttpd.h": {"controller/surface", "agent"},
    "gnutls/": {"controller/surface", "agent"},
    "openssl/": {"common/base", "common/probe", "common/net", "controller/driver", "controller/surface", "agent"},
    "sqlite3.h": {"controller/store"},
    "jansson.h": {"common/probe", "common/proto", "controller/surface", "cli", "agent"},
    "curl/": {"cli", "agent", "controller/driver"},
    "systemd/": {"controller/real", "controller", "agent"},
}


def folder_of(path):
    return os.path.dirname(path)


def breaches(path, text):
    here = folder_of(path)
    top = path in ("controller/main.c",) or os.path.basename(path).startswith("config")
    for kind, name in re.findall(r'^#include ([<"])([^>"]+)', text, re.M):
        if kind == '"':
            target = os.path.normpath(os.path.join(here, name))
            there = folder_of(target)
            if there == here or top:
                continue
            if there not in MAY.get(here, set()):
                yield f"{path}: includes {target}: {there} is not a row above {here}"
            elif here in ("controller/core", "controller/step") and there == "common/base" and \
                    os.path.basename(target) not in DECIDE_BASE:
                yield f"{path}: includes {target}: deciding code has no I/O, no clock, no log"
        else:
            for prefix, allowed in THIRD_PARTY.items():
                if name.startswith(prefix) and here not in allowed:
                    yield f"{path}: includes <{name}>, which belongs to {', '.join(sorted(allowed))}"


def main():
    files = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.c", "*.h"],
                           check=True, capture_output=True, text=True).stdout.split()
    found = []
    for path in files:
        if path.startswith("tests/"):
            continue
        with open(path, encoding="utf-8") as f:
            found += breaches(path, f.read())
    print("\n".join(found))
    return 1 if found else 0


sys.exit(main())
