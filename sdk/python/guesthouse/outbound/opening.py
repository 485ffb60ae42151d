"""From a name and a port to a TCP connection of the host's, by `wasi:sockets`.

These are generators: what they yield is to be waited for, by its pollable, before they go on.
Nothing of the host's is left when they fail or are closed.
"""

import ipaddress
import struct

from componentize_py_types import Err
from wit_world.imports import ip_name_lookup
from wit_world.imports import network as net
from wit_world.imports import tcp_create_socket
from wit_world.imports.instance_network import instance_network

from guesthouse.outbound import failures


def opened(host, port, place):
    """The socket and its two streams. Addresses are tried in the host's order."""
    failed = None
    for address in (yield from addresses(host, place)):
        try:
            return (yield from connected(address, port, place))
        except OSError as error:
            failed = error
    raise failed or failures.of_network("NAME_UNRESOLVABLE", place)


def addresses(host, place):
    try:
        return [ipaddress.ip_address(host)]
    except ValueError:
        pass
    try:
        # No handle of the network's is kept: it would be in the snapshot of a build.
        with instance_network() as network:
            found = ip_name_lookup.resolve_addresses(network, host)
    except Err as error:
        raise failures.of_network(error.value.name, place) from None
    there = []
    try:
        while True:
            try:
                address = found.resolve_next_address()
            except Err as error:
                if error.value is not net.ErrorCode.WOULD_BLOCK:
                    raise failures.of_network(error.value.name, place) from None
                yield found
                continue
            if address is None:
                return there
            there.append(read(address.value))
    finally:
        found.__exit__(None, None, None)


def read(groups):
    if len(groups) == 4:
        return ipaddress.IPv4Address(bytes(groups))
    return ipaddress.IPv6Address(struct.pack("!8H", *groups))


def connected(address, port, place):
    if address.version == 4:
        family, remote = net.IpAddressFamily.IPV4, net.Ipv4SocketAddress(port, tuple(address.packed))
        remote = net.IpSocketAddress_Ipv4(remote)
    else:
        family, groups = net.IpAddressFamily.IPV6, struct.unpack("!8H", address.packed)
        remote = net.IpSocketAddress_Ipv6(net.Ipv6SocketAddress(port, 0, groups, 0))
    sock = streams = None
    try:
        sock = tcp_create_socket.create_tcp_socket(family)
        with instance_network() as network:
            sock.start_connect(network, remote)
        while streams is None:
            try:
                streams = sock.finish_connect()
            except Err as error:
                if error.value is not net.ErrorCode.WOULD_BLOCK:
                    raise
                yield sock
        return sock, *streams
    except Err as error:
        raise failures.of_network(error.value.name, place) from None
    finally:
        if streams is None and sock is not None:
            sock.__exit__(None, None, None)
