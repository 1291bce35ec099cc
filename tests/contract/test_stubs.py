"""The committed stubs, as a synchronous caller uses them, against a channel without a server."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import grpc
import grpc_testing
import pytest
from google.protobuf import message_factory

from contextd.v1 import (
    account_service_pb2,
    account_service_pb2_grpc,
    context_service_pb2,
    context_service_pb2_grpc,
    deferral_service_pb2,
    deferral_service_pb2_grpc,
    handoff_service_pb2,
    handoff_service_pb2_grpc,
    session_service_pb2,
    session_service_pb2_grpc,
)

if TYPE_CHECKING:
    from google.protobuf.descriptor import MethodDescriptor

STUBS = {
    "ContextService": context_service_pb2_grpc.ContextServiceStub,
    "SessionService": session_service_pb2_grpc.SessionServiceStub,
    "HandoffService": handoff_service_pb2_grpc.HandoffServiceStub,
    "AccountService": account_service_pb2_grpc.AccountServiceStub,
    "DeferralService": deferral_service_pb2_grpc.DeferralServiceStub,
}
SERVICES = [
    *context_service_pb2.DESCRIPTOR.services_by_name.values(),
    *session_service_pb2.DESCRIPTOR.services_by_name.values(),
    *handoff_service_pb2.DESCRIPTOR.services_by_name.values(),
    *account_service_pb2.DESCRIPTOR.services_by_name.values(),
    *deferral_service_pb2.DESCRIPTOR.services_by_name.values(),
]
METHODS = [method for service in SERVICES for method in service.methods]
STREAMS = [method for method in METHODS if method.server_streaming]
UPLOADS = [method for method in METHODS if method.client_streaming]
PLAIN = [method for method in METHODS if method not in (*STREAMS, *UPLOADS)]


@pytest.mark.parametrize("method", PLAIN, ids=lambda method: method.full_name)
def test_a_stub_calls_its_method(method: MethodDescriptor) -> None:
    """Each stub sends the request of the contract to the path of the contract."""
    channel = grpc_testing.channel(SERVICES, grpc_testing.strict_real_time())
    call = getattr(STUBS[method.containing_service.name](channel), method.name)
    request = message_factory.GetMessageClass(method.input_type)()
    response = message_factory.GetMessageClass(method.output_type)()
    with ThreadPoolExecutor(1) as caller:
        answer = caller.submit(call, request, timeout=10)
        _, sent, rpc = channel.take_unary_unary(method)
        rpc.send_initial_metadata(())
        rpc.terminate(response, (), grpc.StatusCode.OK, "")

        assert sent == request
        assert answer.result(timeout=10) == response


@pytest.mark.parametrize("method", STREAMS, ids=lambda method: method.full_name)
def test_a_stub_reads_its_stream(method: MethodDescriptor) -> None:
    """Each stub of a stream sends one request and gives every answer in turn."""
    channel = grpc_testing.channel(SERVICES, grpc_testing.strict_real_time())
    call = getattr(STUBS[method.containing_service.name](channel), method.name)
    request = message_factory.GetMessageClass(method.input_type)()
    response = message_factory.GetMessageClass(method.output_type)()
    answers = call(request, timeout=10)
    _, sent, rpc = channel.take_unary_stream(method)
    rpc.send_initial_metadata(())
    rpc.send_response(response)
    rpc.send_response(response)
    rpc.terminate((), grpc.StatusCode.OK, "")

    assert sent == request
    assert list(answers) == [response, response]


@pytest.mark.parametrize("method", UPLOADS, ids=lambda method: method.full_name)
def test_a_stub_sends_its_stream(method: MethodDescriptor) -> None:
    """Each stub of an upload sends every request in turn and gives one answer."""
    channel = grpc_testing.channel(SERVICES, grpc_testing.strict_real_time())
    call = getattr(STUBS[method.containing_service.name](channel), method.name)
    request = message_factory.GetMessageClass(method.input_type)()
    response = message_factory.GetMessageClass(method.output_type)()
    with ThreadPoolExecutor(1) as caller:
        answer = caller.submit(call, iter([request, request]), timeout=10)
        _, rpc = channel.take_stream_unary(method)
        rpc.send_initial_metadata(())
        assert [rpc.take_request(), rpc.take_request()] == [request, request]
        rpc.requests_closed()
        rpc.terminate(response, (), grpc.StatusCode.OK, "")

        assert answer.result(timeout=10) == response


def test_every_service_has_a_stub() -> None:
    """No service of the contract is without a caller here."""
    assert {service.name for service in SERVICES} == set(STUBS)
