"""Budgets: a file 500 lines, a header 150, a function 80. Tables are longer: they are named here with the reason.
Prints one line a breach; exit 1 when there is one."""
import re
import subprocess
import sys

FILE_LINES, HEADER_LINES, FUNCTION_LINES = 500, 150, 80
LONGER = {
    "controller/verb.h": 240,          # the plain data that everybody sees, in one place
    "controller/engine/engine.h": 200, # the engine's whole contract
    "controller/engine/internal.h": 200,
}


def functions(lines):
    """(name, length) of each function: from a line that ends a signature to the closing brace in column 0."""
    start = None
    for number, line in enumerate(lines):
        if line.startswith("{") and number and not lines[number - 1].rstrip().endswith((";", "=", ",")):
            start = number
        elif line.startswith("}") and start is not None:
            match = re.search(r"(\w+)\(", " ".join(lines[max(0, start - 3):start]))
            yield (match.group(1) if match else "?"), number - start + 1
            start = None


def main():
    files = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.c", "*.h"],
                           check=True, capture_output=True, text=True).stdout.split()
    found = []
    for path in files:
        with open(path, encoding="utf-8") as f:
            lines = f.read().splitlines()
        limit = LONGER.get(path, HEADER_LINES if path.endswith(".h") else FILE_LINES)
        if len(lines) > limit:
            found.append(f"{path}: {len(lines)} lines, limit {limit}")
        found += [f"{path}: {name}() has {n} lines, limit {FUNCTION_LINES}"
                  for name, n in functions(lines) if n > FUNCTION_LINES]
    print("\n".join(found))
    return 1 if found else 0


sys.exit(main())
