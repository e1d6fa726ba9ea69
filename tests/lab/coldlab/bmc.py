"""A management board of the primary, at the host `hyper`: power by Redfish over HTTPS, as fence_redfish speaks it.

Started as `python3 -m coldlab.bmc LAB`. Its faults are those of the power switch, for the machine `bmc`: fail, hang and
lie. Not its job: anything of Redfish that switches no power.
"""

import base64
import http.server
import json
import pathlib
import ssl
import sys
import time

from . import proc
from .lab import Lab
from .net import HOSTS
from .power import faulty

NAME, PASSWORD, PORT = "coldmx", "open sesame", 443
SYSTEM = "/redfish/v1/Systems/1"
RESET = f"{SYSTEM}/Actions/ComputerSystem.Reset"
VERBS = {"On": "on", "ForceOff": "off"}
AGENT = "/usr/sbin/fence_redfish"


class Bmc:
    """Starts the board of a lab, and says how a level of fencing names it."""

    def __init__(self, lab):
        self.lab = lab
        self.dir = lab.state.dir / "bmc"

    def start(self):
        """Make its certificate and the secret file, and serve; ends with the lab."""
        self.dir.mkdir(parents=True)
        self.lab.pki.issue("bmc.example.test", names=[HOSTS["hyper"].ipv4])
        secret = self.dir / "secret"
        secret.touch(0o600)
        secret.write_text(f"password={PASSWORD}\n")
        argv = [sys.executable, "-S", "-m", "coldlab.bmc", self.lab.state.lab_id]
        self.lab.state.write("procs/bmc", proc.spawn(
            ["/usr/bin/env", f"PYTHONPATH={pathlib.Path(__file__).resolve().parents[1]}",
             *self.lab.net.enter("hyper"), *argv], self.dir / "log"))
        self.lab.net.wait_answer("ctl", HOSTS["hyper"].ipv4, PORT)

    def level(self, name="board", more=""):
        """This board as a level of fencing in the controller's configuration."""
        return (f'{{ name = "{name}"; kind = "agent"; program = "{AGENT}"; secret_file = "{self.dir}/secret"; '
                f'parameters = ( "ip={HOSTS["hyper"].ipv4}", "username={NAME}", "ssl_insecure=1", '
                f'"systems_uri={SYSTEM}", "power_timeout=3"{more} ); }}')

    def calls(self):
        """What it was asked to do so far, in order."""
        log = self.dir / "calls"
        return log.read_text().splitlines() if log.exists() else []


class Handler(http.server.BaseHTTPRequestHandler):
    """One request; the server carries the lab."""

    def do_GET(self):  # pylint: disable=invalid-name
        """The state of the one system, as the machine is or as a fault says."""
        if not self._allowed() or self.path != SYSTEM:
            return
        fault = self._fault("status")
        on = self.server.lab.machines["primary"].running() and fault != "lie"
        self._answer(200, {"PowerState": "On" if on else "Off",
                           "Actions": {"#ComputerSystem.Reset": {"target": RESET}}})

    def do_POST(self):  # pylint: disable=invalid-name
        """Switch it on or off."""
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        verb = VERBS.get(body.get("ResetType"))
        if not self._allowed() or self.path != RESET or not verb:
            return
        with open(self.server.lab.state.dir / "bmc" / "calls", "a", encoding="utf-8") as calls:
            calls.write(f"{verb}\n")
        machine = self.server.lab.machines["primary"]
        if self._fault(verb) != "lie":
            (machine.power_on if verb == "on" else machine.power_off)()
        self._answer(204, None)

    def _allowed(self):
        wanted = base64.b64encode(f"{NAME}:{PASSWORD}".encode()).decode()
        allowed = self.headers.get("Authorization") == f"Basic {wanted}"
        if not allowed:
            self._answer(401, {"error": "who are you"})
        return allowed

    def _fault(self, verb):
        fault = faulty(self.server.lab.state, verb, "bmc")
        if fault == "hang":
            time.sleep(3600)
        if fault == "fail":
            raise ConnectionAbortedError("injected fault")
        return fault

    def _answer(self, code, content):
        body = b"" if content is None else json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main():
    """Serve until killed."""
    lab = Lab.attach(sys.argv[1])
    server = http.server.ThreadingHTTPServer((HOSTS["hyper"].ipv4, PORT), Handler)
    server.lab = lab
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(lab.pki.dir / "bmc.example.test.crt", lab.pki.dir / "bmc.example.test.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
