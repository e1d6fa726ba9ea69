"""Calls that hide an unbounded write, a shell, a wait without a deadline or a global: banned outside tests. A line may
opt out with its reason: /* banned-ok: WHY */. Prints one line a breach; exit 1 when there is one."""
import re
import subprocess
import sys

BANNED = {
    "strcpy": "str_copy", "strcat": "strbuf", "sprintf": "snprintf", "vsprintf": "vsnprintf", "gets": "fgets",
    "strncpy": "str_copy", "strtok": "strtok_r", "system": "child_run", "popen": "child_run", "fork": "posix_spawn",
    "sleep": "a timer", "usleep": "a timer", "gethostbyname": "literal addresses", "getaddrinfo": "literal addresses",
    "localtime": "gmtime_r", "gmtime": "gmtime_r", "rand": "getrandom", "alloca": "the heap", "select": "poll",
    "getpwuid": "fgetpwent_r", "getpwuid_r": "fgetpwent_r", "getpwnam": "fgetpwent_r", "getpwnam_r": "fgetpwent_r",
    "malloc": "mem_calloc", "strerror": "strerror_r",
}
CALL = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\(")


def main():
    files = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.c"],
                           check=True, capture_output=True, text=True).stdout.split()
    found = []
    for path in files:
        if path.startswith("tests/"):
            continue
        with open(path, encoding="utf-8") as f:
            for number, line in enumerate(f, 1):
                code = re.sub(r'"(\\.|[^"\\])*"', '""', line.split("//")[0])
                match = CALL.search(code)
                if match and "banned-ok:" not in line and not code.lstrip().startswith(("*", "/*")):
                    found.append(f"{path}:{number}: {match.group(1)}(): use {BANNED[match.group(1)]}")
    print("\n".join(found))
    return 1 if found else 0


sys.exit(main())
