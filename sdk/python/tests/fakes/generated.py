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
    world, imports = types.ModuleType("wit_world"), types.ModuleType("wit_world.imports")
    environment = types.ModuleType("wit_world.imports.environment")
    environment.get_arguments = list
    world.imports, imports.types, imports.streams = imports, declared, streams
    imports.environment, imports.outgoing_handler, imports.poll = environment, handler, polls
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
        }
    )
