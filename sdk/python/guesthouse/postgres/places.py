"""Where a connection may go: the hosts of its options, and their addresses."""

import random
import socket
import sys
from collections import namedtuple

# As libpq has it where there are no Unix sockets. A host that is none was not given.
DEFAULT_HOST, DEFAULT_PORT = "localhost", "5432"

Host = namedtuple("Host", "name hostaddr port")


class Unknown(Exception):
    """A place that cannot be told."""


def hosts(values):
    """The hosts, in the order in which they are to be tried."""
    names, addresses, ports = (listed(values[keyword]) for keyword in ("host", "hostaddr", "port"))
    count = max(len(names), len(addresses), 1)
    if names and addresses and len(names) != len(addresses):
        raise Unknown("could not match %d host names to %d hostaddr values\n" % (len(names), len(addresses)))
    if len(ports) > 1 and len(ports) != count:
        raise Unknown("could not match %d port numbers to %d hosts\n" % (len(ports), count))
    names, addresses = names or [""] * count, addresses or [""] * count
    ports = ports * count if len(ports) == 1 else ports or [""] * count
    found = [Host(*one) for one in zip(names, addresses, (one or DEFAULT_PORT for one in ports))]
    for one in found:
        if not one.port.strip().isdigit() or not 0 < int(one.port) < 65536:
            raise Unknown('invalid port number: "%s"\n' % one.port)
    if values["load_balance_hosts"] == "random":
        random.shuffle(found)
    return found


def listed(value):
    return value.split(",") if value else []


def addresses(host):
    """Family and address of each way to this host, and the address as it is shown."""
    if host.name.startswith(("/", "@")) and not host.hostaddr:
        if sys.platform == "wasi":
            raise Unknown('there are no Unix sockets in a guest: `host` cannot be "%s"\n' % host.name)
        path = "%s/.s.PGSQL.%s" % (host.name, host.port)
        return [(socket.AF_UNIX, path.replace("@", "\0", 1) if path.startswith("@") else path, path)]
    name = host.hostaddr or host.name or DEFAULT_HOST
    flags = socket.AI_NUMERICHOST if host.hostaddr else 0
    try:
        found = socket.getaddrinfo(name, int(host.port), type=socket.SOCK_STREAM, flags=flags)
    except (OSError, UnicodeError) as error:
        what = "could not parse network address" if host.hostaddr else "could not translate host name"
        end = "" if host.hostaddr else " to address"
        raise Unknown('%s "%s"%s: %s\n' % (what, name, end, getattr(error, "strerror", None) or error)) from None
    return [(family, address, address[0]) for family, _, _, _, address in found]


def described(host, family, shown):
    """The head of each message about a connection that failed."""
    if family == socket.AF_UNIX:
        return 'connection to server on socket "%s" failed: ' % shown
    name = host.name or host.hostaddr or DEFAULT_HOST
    address = "" if name == shown else " (%s)" % shown
    return 'connection to server at "%s"%s, port %s failed: ' % (name, address, host.port)


def hint(family):
    """What is asked of who was refused."""
    if family == socket.AF_UNIX:
        return "\tIs the server running locally and accepting connections on that socket?\n"
    return "\tIs the server running on that host and accepting TCP/IP connections?\n"
