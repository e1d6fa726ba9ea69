"""The lab's name servers: BIND primary, Knot secondary, and a caching resolver.

All are plain processes, each in the namespace of its host. The programs run
from copies in the state folder: a security profile of the machine that names
the installed path would keep them out of it.
"""

import base64
import secrets
import shutil
import time

from . import proc
from .net import HOSTS
from .sh import run

ZONE = "example.test"
TTL_S = 5
UPDATE_KEY, TRANSFER_KEY = "coldmx-update", "transfer"
TSIG_ALGORITHM = "hmac-sha256"

NAMED_CONF = """\
options {{
  directory "{dir}"; pid-file "{dir}/pid"; session-keyfile "{dir}/session.key"; lock-file none;
  listen-on {{ 127.0.0.1; {ipv4}; }}; listen-on-v6 {{ {ipv6}; }};
  dnssec-validation no; notify explicit; recursion {recursion}; allow-query {{ any; }};
  empty-zones-enable no;
}};
controls {{ }};
"""
PRIMARY_CONF = """\
include "{keys}/{update}.key";
include "{keys}/{transfer}.key";
zone "{zone}" {{
  type primary; file "zone.db";
  allow-transfer {{ key {transfer}; }};
  also-notify {{ {ns2}; }};
  update-policy {{ grant {update} name {zone}. MX; grant {update} name _coldmx.{zone}. TXT; }};
}};
"""
SECONDARY_CONF = """\
server:
    listen: [ "{ipv4}@53", "{ipv6}@53", "127.0.0.1@53" ]
    rundir: "{dir}"
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: "{dir}"
log:
  - target: stderr
    any: info
key:
  - id: {transfer}
    algorithm: {algorithm}
    secret: {secret}
remote:
  - id: ns1
    address: [ "{ns1}@53" ]
    key: {transfer}
acl:
  - id: notify_from_ns1
    address: [ "{ns1}", "{ns1_6}" ]
    action: notify
zone:
  - domain: {zone}
    storage: "{dir}"
    master: ns1
    acl: notify_from_ns1
"""
RESOLVER_CONF = """\
zone "." {{ type primary; file "root.db"; }};
zone "{zone}" {{ type static-stub; server-addresses {{ {ns1}; {ns2}; }}; }};
"""
ROOT_ZONE = ("$TTL 60\n. SOA localhost. root.localhost. 1 3600 600 86400 5\n. NS localhost.\n"
             "localhost. A 127.0.0.1\n")  # without an address BIND refuses the zone and answers SERVFAIL


def zone_text():
    """The zone as it stands when the lab starts."""
    lines = [f"$ORIGIN {ZONE}.", f"$TTL {TTL_S}",
             f"@ SOA ns1 hostmaster 1 10 5 86400 {TTL_S}", "@ NS ns1", "@ NS ns2",
             "@ MX 10 mail1", "@ MX 20 mail2", "@ A 192.0.2.80"]
    for name, host in (("ns1", "ns1"), ("ns2", "ns2"), ("mail1", "primary"), ("mail2", "standby")):
        lines += [f"{name} A {HOSTS[host].ipv4}", f"{name} AAAA {HOSTS[host].ipv6}"]
    return "\n".join(lines) + "\n"


class Dns:
    """Starts, stops, asks and updates the lab's name servers."""

    def __init__(self, state, net):
        self.state, self.net = state, net
        self.dir = state.dir / "dns"

    def create(self):
        """Write keys, zone and configurations."""
        for name in (UPDATE_KEY, TRANSFER_KEY):
            secret = base64.b64encode(secrets.token_bytes(32)).decode()
            self._write("keys", f"{name}.secret", secret)
            self._write("keys", f"{name}.key",
                        f'key "{name}" {{ algorithm {TSIG_ALGORITHM}; secret "{secret}"; }};\n')
        common = {"zone": ZONE, "update": UPDATE_KEY, "transfer": TRANSFER_KEY, "keys": self.dir / "keys",
                  "algorithm": TSIG_ALGORITHM, "secret": self.secret(TRANSFER_KEY),
                  "ns1": HOSTS["ns1"].ipv4, "ns1_6": HOSTS["ns1"].ipv6, "ns2": HOSTS["ns2"].ipv4}
        for host, template, recursion in (("ns1", NAMED_CONF + PRIMARY_CONF, "no"),
                                          ("ns2", SECONDARY_CONF, ""),
                                          ("resolver", NAMED_CONF + RESOLVER_CONF, "yes")):
            self._write(host, "conf", template.format(
                dir=self.dir / host, ipv4=HOSTS[host].ipv4, ipv6=HOSTS[host].ipv6,
                recursion=recursion, **common))
        self._write("ns1", "zone.db", zone_text())
        self._write("resolver", "root.db", ROOT_ZONE)
        for program in ("named", "knotd"):
            shutil.copy(f"/usr/sbin/{program}", self.dir / program)

    def secret(self, key_name=UPDATE_KEY):
        """The secret of a TSIG key in base64."""
        return (self.dir / "keys" / f"{key_name}.secret").read_text()

    def key_file(self, key_name=UPDATE_KEY):
        """Path of a TSIG key in BIND's format, as nsupdate -k wants it."""
        return self.dir / "keys" / f"{key_name}.key"

    def start(self, host):
        """Start the name server of ns1, ns2 or resolver."""
        folder = self.dir / host
        argv = ([self.dir / "knotd", "-c", folder / "conf"] if host == "ns2" else
                [self.dir / "named", "-f", "-n", "1", "-c", folder / "conf", "-L", folder / "named.log"])
        self.state.write(f"procs/{host}", proc.spawn(self.net.enter(host) + argv, folder / "log"))

    def stop(self, host):
        """End the name server of a host."""
        proc.stop(self.state.read(f"procs/{host}"))

    def wait_up(self, timeout_s=20.0):
        """Wait until both authoritative servers and the resolver know the zone's MX."""
        began = time.monotonic()
        for host in ("ns1", "ns2", "resolver"):
            while not self.mx(host):
                if time.monotonic() - began > timeout_s:
                    raise TimeoutError(f"{host} serves no MX of {ZONE} after {timeout_s} s")
                time.sleep(0.1)
        return time.monotonic() - began

    def query(self, server, name, kind, src="ctl", family=4):
        """Answer lines of `dig +short` from one server, sorted; none when it does not answer."""
        address = HOSTS[server].ipv4 if family == 4 else HOSTS[server].ipv6
        done = run(self.net.enter(src) + ["dig", "+short", "+time=1", "+tries=1", f"@{address}", name, kind],
                   check=False)
        return sorted(filter(None, done.stdout.split("\n"))) if done.returncode == 0 else []

    def mx(self, server, family=4):
        """The zone's MX set on a server, as sorted `preference target.` lines."""
        return self.query(server, ZONE, "MX", family=family)

    def update(self, commands, key_name=UPDATE_KEY, src="ctl"):
        """Send nsupdate's commands to ns1, signed; return (succeeded, what nsupdate said)."""
        script = f"server {HOSTS['ns1'].ipv4}\nzone {ZONE}\n{commands}\nsend\n"
        done = run(self.net.enter(src) + ["nsupdate", "-v", "-k", self.key_file(key_name)],
                   stdin=script, check=False)
        return done.returncode == 0, done.stdout + done.stderr

    def set_mx(self, wanted):
        """Replace the zone's MX set in one update; (succeeded, what nsupdate said)."""
        adds = "".join(f"\nupdate add {ZONE}. {TTL_S} MX {record}" for record in wanted)
        return self.update(f"update delete {ZONE}. MX{adds}")

    def wait_mx(self, server, wanted, timeout_s=10.0):
        """Wait until a server publishes this MX set; seconds it took."""
        began = time.monotonic()
        while self.mx(server) != sorted(wanted):
            if time.monotonic() - began > timeout_s:
                raise TimeoutError(f"{server} serves {self.mx(server)}, wanted {sorted(wanted)}")
            time.sleep(0.1)
        return time.monotonic() - began

    def _write(self, host, name, text):
        path = self.state.path("dns", host, name)
        path.touch(0o600)
        path.write_text(text)
