"""TLS of a connection, by `sslmode`.

Natively it is as libpq has it: `prefer` and `require` encrypt, and check the certificate only where a root is named;
`verify-ca` and `verify-full` check it against `sslrootcert`, or the system's roots. In a guest the host speaks TLS, and
always checks the certificate and its name against its own roots, whatever the mode: `require` is `verify-full` there.
"""

import os
import ssl
import sys

_VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}


class Unusable(Exception):
    """What the options ask for cannot be had."""


def context(values):
    """The `ssl.SSLContext` that these options ask for."""
    mode, root = values["sslmode"], values["sslrootcert"]
    in_guest = sys.platform == "wasi"
    if root == "system" and mode != "verify-full":
        raise Unusable('weak sslmode "%s" may not be used with sslrootcert=system (use "verify-full")\n' % mode)
    named = root if root and root != "system" and not in_guest else None
    if named and not os.path.exists(named):
        if mode.startswith("verify"):
            raise Unusable('root certificate file "%s" does not exist\n' % named)
        named = None
    made = ssl.create_default_context()
    if named:
        # The named root alone counts: an own authority is not to be joined by all of the world's.
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        load(lambda: made.load_verify_locations(named), 'could not read root certificate file "%s"' % named)
    if not in_guest and mode != "verify-full":
        made.check_hostname = False
        if mode != "verify-ca" and not named:
            made.verify_mode = ssl.CERT_NONE
    for keyword, bound in (("ssl_min_protocol_version", "minimum_version"), ("ssl_max_protocol_version", "maximum_version")):
        if values[keyword] in _VERSIONS:
            setattr(made, bound, _VERSIONS[values[keyword]])
        elif values[keyword]:
            raise Unusable('invalid %s value: "%s"\n' % (keyword, values[keyword]))
    if values["sslcert"] and values["sslcertmode"] != "disable":
        chain = (values["sslcert"], values["sslkey"] or None, values["sslpassword"] or None)
        load(lambda: made.load_cert_chain(*chain), 'could not load the certificate "%s"' % values["sslcert"])
    return made


def load(call, what):
    try:
        call()
    except OSError as error:
        raise Unusable("%s: %s\n" % (what, error.strerror or error)) from None


def server_name(values, host, address):
    """The name that the certificate is for, or nothing where none is told or checked."""
    if sys.platform != "wasi" and values["sslsni"] == "0" and values["sslmode"] != "verify-full":
        return None
    return host or address
