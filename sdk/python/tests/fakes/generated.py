"""The generated modules `componentize_py_types` and `wit_world`, as far as the SDK imports them."""

import sys
import types
from dataclasses import dataclass
from typing import Any


@dataclass
class Ok:
    value: Any


@dataclass(frozen=True)
class Err(Exception):
    value: Any


@dataclass
class StreamErrorClosed:
    pass


@dataclass
class StreamErrorLastOperationFailed:
    value: Any


def kind(name):
    return dataclass(type(name, (), {}))


@dataclass
class MethodOther:
    value: str


@dataclass
class SchemeOther:
    value: str


# Named as the tool names it: what the SDK says of a code begins with its name.
ErrorCodeInternalError = dataclass(type("ErrorCode_InternalError", (), {"__annotations__": {"value": Any}}))


def install():
    """To be called before the SDK is imported; a second time is nothing."""
    if "wit_world" in sys.modules:
        return
    # Late, since the host's fakes raise what is defined here.
    from tests.fakes import host
    from tests.fakes import outside
    from tests.fakes import sockets
    from tests.fakes import tls

    componentize = types.ModuleType("componentize_py_types")
    componentize.Ok, componentize.Err = Ok, Err
    streams = types.ModuleType("wit_world.imports.streams")
    streams.StreamError_Closed = StreamErrorClosed
    streams.StreamError_LastOperationFailed = StreamErrorLastOperationFailed
    declared = types.ModuleType("wit_world.imports.types")
    for name in ("HttpRequestDenied", "DestinationIpProhibited", "ConnectionRefused", "TlsCertificateError", "DnsError"):
        setattr(declared, "ErrorCode_" + name, kind("ErrorCode_" + name))
    declared.ErrorCode_InternalError = ErrorCodeInternalError
    for name in ("Get", "Head", "Post", "Put", "Delete", "Connect", "Options", "Trace", "Patch"):
        setattr(declared, "Method_" + name, kind("Method_" + name))
    declared.Method_Other, declared.Scheme_Other = MethodOther, SchemeOther
    declared.Scheme_Http, declared.Scheme_Https = kind("Scheme_Http"), kind("Scheme_Https")
    for one in (host.Fields, host.OutgoingResponse, host.OutgoingBody, host.ResponseOutparam):
        setattr(declared, one.__name__, one)
    declared.OutgoingRequest, declared.RequestOptions = outside.OutgoingRequest, outside.RequestOptions
    declared.http_error_code = outside.http_error_code
    handler, polls = types.ModuleType("wit_world.imports.outgoing_handler"), types.ModuleType("wit_world.imports.poll")
    clock = types.ModuleType("wit_world.imports.monotonic_clock")
    handler.handle, polls.poll, clock.subscribe_duration = outside.handle, outside.poll, outside.subscribe_duration
    network, tcp = types.ModuleType("wit_world.imports.network"), types.ModuleType("wit_world.imports.tcp")
    network.ErrorCode, network.IpAddressFamily = sockets.ErrorCode, sockets.IpAddressFamily
    network.Ipv4SocketAddress, network.Ipv6SocketAddress = sockets.Ipv4SocketAddress, sockets.Ipv6SocketAddress
    network.IpSocketAddress_Ipv4 = network.IpSocketAddress_Ipv6 = sockets.IpSocketAddress
    tcp.ShutdownType = sockets.ShutdownType
    create, lookup = (types.ModuleType("wit_world.imports." + name) for name in ("tcp_create_socket", "ip_name_lookup"))
    create.create_tcp_socket, lookup.resolve_addresses = sockets.create_tcp_socket, sockets.resolve_addresses
    instance = types.ModuleType("wit_world.imports.instance_network")
    instance.instance_network = sockets.Network
    encrypted = types.ModuleType("wit_world.imports.wasi_tls_types")
    encrypted.ClientHandshake = tls.ClientHandshake
    world, imports = types.ModuleType("wit_world"), types.ModuleType("wit_world.imports")
    environment = types.ModuleType("wit_world.imports.environment")
    environment.get_arguments = list
    world.imports, imports.types, imports.streams = imports, declared, streams
    imports.environment, imports.outgoing_handler, imports.poll = environment, handler, polls
    imports.network, imports.tcp_create_socket, imports.ip_name_lookup = network, create, lookup
    imports.wasi_tls_types = encrypted
    sys.modules.update(
        {
            "componentize_py_types": componentize,
            "wit_world": world,
            "wit_world.imports": imports,
            "wit_world.imports.types": declared,
            "wit_world.imports.streams": streams,
            "wit_world.imports.environment": environment,
            "wit_world.imports.outgoing_handler": handler,
            "wit_world.imports.poll": polls,
            "wit_world.imports.monotonic_clock": clock,
            "wit_world.imports.network": network,
            "wit_world.imports.tcp": tcp,
            "wit_world.imports.tcp_create_socket": create,
            "wit_world.imports.ip_name_lookup": lookup,
            "wit_world.imports.instance_network": instance,
            "wit_world.imports.wasi_tls_types": encrypted,
        }
    )
