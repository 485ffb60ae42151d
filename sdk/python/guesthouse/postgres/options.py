"""The options of a connection: libpq's, with the variables of the environment and the defaults that stand for them."""

import os
import re
import sys
from collections import namedtuple

# As in PQconninfoOption: `dispchar` is `*` for passwords and `D` for what is for developers.
Option = namedtuple("Option", "keyword envvar compiled label dispchar dispsize")

_TABLE = """
service PGSERVICE - Database-Service - 20
user PGUSER - Database-User - 20
password PGPASSWORD - Database-Password * 20
passfile PGPASSFILE - Database-Password-File - 64
channel_binding PGCHANNELBINDING prefer Channel-Binding - 8
connect_timeout PGCONNECT_TIMEOUT - Connect-timeout - 10
dbname PGDATABASE - Database-Name - 20
host PGHOST - Database-Host - 40
hostaddr PGHOSTADDR - Database-Host-IP-Address - 45
port PGPORT 5432 Database-Port - 6
client_encoding PGCLIENTENCODING - Client-Encoding - 10
options PGOPTIONS '' Backend-Options - 40
application_name PGAPPNAME - Application-Name - 64
fallback_application_name - - Fallback-Application-Name - 64
keepalives - - TCP-Keepalives - 1
keepalives_idle - - TCP-Keepalives-Idle - 10
keepalives_interval - - TCP-Keepalives-Interval - 10
keepalives_count - - TCP-Keepalives-Count - 10
tcp_user_timeout - - TCP-User-Timeout - 10
sslmode PGSSLMODE prefer SSL-Mode - 12
sslnegotiation PGSSLNEGOTIATION postgres SSL-Negotiation - 9
sslcompression PGSSLCOMPRESSION 0 SSL-Compression - 1
sslcert PGSSLCERT - SSL-Client-Cert - 64
sslkey PGSSLKEY - SSL-Client-Key - 64
sslcertmode PGSSLCERTMODE - SSL-Client-Cert-Mode - 8
sslpassword - - SSL-Client-Key-Password * 20
sslrootcert PGSSLROOTCERT - SSL-Root-Certificate - 64
sslcrl PGSSLCRL - SSL-Revocation-List - 64
sslcrldir PGSSLCRLDIR - SSL-Revocation-List-Dir - 64
sslsni PGSSLSNI 1 SSL-SNI - 1
requirepeer PGREQUIREPEER - Require-Peer - 10
require_auth PGREQUIREAUTH - Require-Auth - 14
min_protocol_version PGMINPROTOCOLVERSION - Min-Protocol-Version - 6
max_protocol_version PGMAXPROTOCOLVERSION - Max-Protocol-Version - 6
ssl_min_protocol_version PGSSLMINPROTOCOLVERSION TLSv1.2 SSL-Minimum-Protocol-Version - 8
ssl_max_protocol_version PGSSLMAXPROTOCOLVERSION - SSL-Maximum-Protocol-Version - 8
gssencmode PGGSSENCMODE disable GSSENC-Mode - 8
krbsrvname PGKRBSRVNAME postgres Kerberos-service-name - 20
gsslib PGGSSLIB - GSS-library - 7
gssdelegation PGGSSDELEGATION 0 GSS-delegation - 1
replication - - Replication D 5
target_session_attrs PGTARGETSESSIONATTRS any Target-Session-Attrs - 15
load_balance_hosts PGLOADBALANCEHOSTS disable Load-Balance-Hosts - 8
"""


def option(line):
    keyword, envvar, compiled, label, dispchar, dispsize = line.split()
    compiled = None if compiled == "-" else compiled.strip("'")
    return Option(keyword, None if envvar == "-" else envvar, compiled, label, dispchar.strip("-"), int(dispsize))


OPTIONS = [option(line) for line in _TABLE.strip().splitlines()]
KEYWORDS = {one.keyword for one in OPTIONS}

# The values that an option may have, where others would be overlooked.
_VALUES = {
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "channel_binding": ("disable", "prefer", "require"),
    "target_session_attrs": ("any", "read-write", "read-only", "primary", "standby", "prefer-standby"),
    "load_balance_hosts": ("disable", "random"),
    "sslnegotiation": ("postgres", "direct"),
    "gssencmode": ("disable", "prefer", "require"),
    "min_protocol_version": ("3.0",),
}
_INTEGERS = (
    "connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout",
)  # fmt: skip
_INTEGER = re.compile(r"\s*[+-]?\d{1,9}\s*")
# What is not done here, and must not be passed over where it is asked for.
_UNSUPPORTED = {
    "service": "name the host, the port and the others themselves",
    "sslcrl": "revocation lists are not looked at",
    "sslcrldir": "revocation lists are not looked at",
    "requirepeer": "whose socket it is is not looked at",
}


def user_name():
    """The system's name of the user, which is the default of `user`."""
    try:
        import pwd

        return pwd.getpwuid(os.geteuid()).pw_name
    except (ImportError, AttributeError, KeyError, OSError):
        return None


def default(one):
    """What an option is that was not given."""
    value = os.environ.get(one.envvar) if one.envvar else None
    if value is None and one.keyword == "user":
        return user_name()
    return one.compiled if value is None else value


def completed(given):
    """All options with their values: those given, or the environment's, or the defaults."""
    values = {one.keyword: given[one.keyword] if one.keyword in given else default(one) for one in OPTIONS}
    if not values["dbname"]:
        values["dbname"] = values["user"]
    return values


def complaint(values):
    """What is wrong with the values of all options, or nothing."""
    for keyword, allowed in _VALUES.items():
        if values[keyword] is not None and values[keyword] not in allowed:
            return 'invalid %s value: "%s"\n' % (keyword, values[keyword])
    for keyword in _INTEGERS:
        if values[keyword] and not _INTEGER.fullmatch(values[keyword]):
            return 'invalid integer value "%s" for connection option "%s"\n' % (values[keyword], keyword)
    for keyword, instead in _UNSUPPORTED.items():
        if values[keyword]:
            return 'the connection option "%s" is not supported: %s\n' % (keyword, instead)
    if values["sslnegotiation"] == "direct":
        return 'sslnegotiation value "direct" is not supported: leave it out\n'
    if values["gssencmode"] == "require":
        return 'gssencmode value "require" invalid when GSSAPI support is not compiled in\n'
    if values["channel_binding"] == "require":
        return "channel binding is required, and not supported: leave out `channel_binding`\n"
    if sys.platform == "wasi" and (values["sslcert"] or values["sslkey"]):
        return "the host speaks TLS for the app, and shows no client certificate: leave out `sslcert` and `sslkey`\n"
    return None
