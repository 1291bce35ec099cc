"""The committed stubs, as a synchronous caller uses them, against a channel without a server."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import grpc
import grpc_testing
import pytest
from google.protobuf import message_factory

from contextd.v1 import (
    context_service_pb2,
    context_service_pb2_grpc,
    session_service_pb2,
    session_service_pb2_grpc,
)

if TYPE_CHECKING:
    from google.protobuf.descriptor import MethodDescriptor

STUBS = {
    "ContextService": context_service_pb2_grpc.ContextServiceStub,
    "SessionService": session_service_pb2_grpc.SessionServiceStub,
}
SERVICES = [
    *context_service_pb2.DESCRIPTOR.services_by_name.values(),
    *session_service_pb2.DESCRIPTOR.services_by_name.values(),
]
METHODS = [method for service in SERVICES for method in service.methods]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.full_name)
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


def test_every_service_has_a_stub() -> None:
    """No service of the contract is without a caller here."""
    assert {service.name for service in SERVICES} == set(STUBS)
