"""Names of hosts: each gets an address of its own that leads back to it. The host looks names up, and decides by them.

A literal stays what the app wrote, so that the host's policy sees it.
"""

import errno
import ipaddress
import re
import socket

# 198.18.0.0/15 is for measurements between networks (RFC 2544): no service has an address in it.
_FIRST = 0xC6120001
_NAMES_MAX = (1 << 17) - 2
_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.-])?")
_NAME_CHARACTERS_MAX = 253
_SERVICES = {"http": 80, "https": 443, "ftp": 21, "ssh": 22, "smtp": 25, "domain": 53, "pop3": 110, "imap": 143}

_address_of = {}
_name_of = {}


def address_of(name):
    """The address that stands for this name in this instance."""
    found = _address_of.get(name)
    if found is None:
        if len(_address_of) >= _NAMES_MAX:
            # The oldest one: an instance that has asked for so many is done with it.
            oldest = next(iter(_address_of))
            found = _address_of.pop(oldest)
        else:
            found = str(ipaddress.IPv4Address(_FIRST + len(_address_of)))
        _address_of[name] = found
        _name_of[found] = name
    return found


def written(address):
    """What the app wrote for this address: a name, or the address itself."""
    return _name_of.get(address, address)


def is_literal(text, version):
    kind = ipaddress.IPv4Address if version == 4 else ipaddress.IPv6Address
    try:
        kind(text)
    except ValueError:
        return False
    return True


def name_of(host):
    """The host's name as it goes over the wire."""
    if isinstance(host, (bytes, bytearray)):
        host = bytes(host).decode("ascii")
    if not host.isascii():
        host = host.encode("idna").decode("ascii")
    if len(host) > _NAME_CHARACTERS_MAX or not _NAME.fullmatch(host):
        raise socket.gaierror(socket.EAI_NONAME, "`%s` is no name of a host" % host[:100])
    return host


def port_of(port):
    if port is None:
        return 0
    if isinstance(port, (bytes, bytearray)):
        port = bytes(port).decode("ascii")
    if isinstance(port, str):
        if port in _SERVICES:
            return _SERVICES[port]
        if not port.isdecimal():
            raise socket.gaierror(socket.EAI_SERVICE, "`%s` is no name of a service" % port[:100])
    return int(port)


def getaddrinfo(host, port, family=0, type=0, proto=0, flags=0):
    """`_socket.getaddrinfo`: one address for each kind of socket."""
    port = port_of(port)
    if host is None or host == "" or host == b"":
        host = "0.0.0.0" if flags & socket.AI_PASSIVE else "127.0.0.1"
    elif isinstance(host, (bytes, bytearray)):
        host = bytes(host).decode("ascii")
    canonical = host if flags & socket.AI_CANONNAME else ""
    if is_literal(host, 6) and family != socket.AF_INET:
        family, address = socket.AF_INET6, (host, port, 0, 0)
    elif family == socket.AF_INET6:
        raise socket.gaierror(socket.EAI_NONAME, "`%s` has no address of this family here: ask for any" % host[:100])
    elif is_literal(host, 4):
        family, address = socket.AF_INET, (host, port)
    elif flags & socket.AI_NUMERICHOST:
        raise socket.gaierror(socket.EAI_NONAME, "`%s` is no address" % host[:100])
    else:
        # A library that takes IPv6 for absent asks for another address of a literal.
        name = host if is_literal(host, 6) else name_of(host)
        family, address = socket.AF_INET, (address_of(name), port)
    kinds = [(socket.SOCK_STREAM, socket.IPPROTO_TCP), (socket.SOCK_DGRAM, socket.IPPROTO_UDP)]
    wanted = [(kind, number) for kind, number in kinds if type in (0, kind) and proto in (0, number)]
    if not wanted:
        raise socket.gaierror(socket.EAI_FAMILY, "there are no such sockets in this guest")
    return [(family, kind, number, canonical, address) for kind, number in wanted]


def gethostbyname(host):
    return getaddrinfo(host, 0, socket.AF_INET, socket.SOCK_STREAM)[0][4][0]


def gethostbyname_ex(host):
    return host, [], [gethostbyname(host)]


def gethostbyaddr(address):
    name = written(address)
    if name == address and (is_literal(address, 4) or is_literal(address, 6)):
        raise socket.herror(1, "nobody looks up the name of an address in this guest")
    return name, [], [gethostbyname(name)]


def getnameinfo(address, flags):
    host, port = address[:2]
    return (host if flags & socket.NI_NUMERICHOST else written(host)), str(port)


def no_address():
    """Nothing can be bound: there is no address that would be the guest's own."""
    return OSError(errno.EADDRNOTAVAIL, "this guest has no address of its own: only the host listens")
