"""The lab's certificate authority, made anew for each lab with openssl."""

import ipaddress

from .sh import run


class Pki:
    """Issues certificates under <state>/pki."""

    def __init__(self, state):
        self.dir = state.dir / "pki"

    @property
    def ca_cert(self):
        """Path of the authority's certificate."""
        return self.dir / "ca.crt"

    def create(self):
        """Make the authority."""
        self.dir.mkdir(parents=True, exist_ok=True)
        run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "30", "-subj", "/CN=coldmx lab authority",
             "-keyout", self.dir / "ca.key", "-out", self.ca_cert])

    def issue(self, name, days=20, names=()):
        """Issue a certificate for a name and more DNS names or addresses; (certificate, key) as paths."""
        cert, key, request = (self.dir / f"{name}.{kind}" for kind in ("crt", "key", "csr"))
        run(["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-subj", f"/CN={name}", "-keyout", key, "-out", request])
        extensions = self.dir / f"{name}.ext"
        alternatives = ",".join(f"{_kind(each)}:{each}" for each in (name, *names))
        extensions.write_text(f"subjectAltName={alternatives}\nbasicConstraints=CA:FALSE\n"
                              "extendedKeyUsage=serverAuth,clientAuth\n")
        run(["openssl", "x509", "-req", "-in", request, "-CA", self.ca_cert, "-CAkey",
             self.dir / "ca.key", "-CAcreateserial", "-days", str(days),
             "-extfile", extensions, "-out", cert])
        return cert, key


def _kind(name):
    """What openssl calls this kind of name."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return "DNS"
    return "IP"
