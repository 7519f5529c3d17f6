"""A gRPC client that we did not write, which has no protos: it learns the services by reflection."""

import grpc
from google.protobuf import any_pb2, json_format
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from protocol import serve

PACKAGE = "sololakehouse.log.v1"


class Server:
    def __init__(self, url):
        self.channel = grpc.insecure_channel(url.removeprefix("http://"))
        self.database = ProtoReflectionDescriptorDatabase(self.channel)
        self.pool = DescriptorPool(self.database)

    def method(self, name):
        service, method = name.split("/")
        described = self.pool.FindServiceByName(f"{PACKAGE}.{service}").FindMethodByName(method)
        streams = (described.client_streaming, described.server_streaming)
        kind = {
            (False, False): self.channel.unary_unary,
            (False, True): self.channel.unary_stream,
            (True, False): self.channel.stream_unary,
            (True, True): self.channel.stream_stream,
        }[streams]
        answer = GetMessageClass(described.output_type)
        callable_ = kind(
            f"/{PACKAGE}.{service}/{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=answer.FromString,
        )
        return callable_, GetMessageClass(described.input_type), streams


servers = {}


def server(url):
    if url not in servers:
        servers[url] = Server(url)
    return servers[url]


def as_json(message):
    return json_format.MessageToDict(message, always_print_fields_with_no_presence=True)


def services(url):
    return sorted(server(url).database.get_services())


def health(url, service):
    stub = health_pb2_grpc.HealthStub(server(url).channel)
    status = stub.Check(health_pb2.HealthCheckRequest(service=service)).status
    return health_pb2.HealthCheckResponse.ServingStatus.Name(status)


def call(url, method, requests, timeout=30):
    """One request, or several where the method takes a stream of them. Answers are a list."""
    callable_, request_class, (client_streams, server_streams) = server(url).method(method)
    messages = [json_format.ParseDict(request, request_class()) for request in requests]
    try:
        answer = callable_(iter(messages) if client_streams else messages[0], timeout=timeout)
        return {"answers": [as_json(each) for each in (answer if server_streams else [answer])]}
    except grpc.RpcError as error:
        return {"code": error.code().name, "details": error.details(), "error": detail(url, error)}


def detail(url, error):
    """A google.rpc.Status in the trailers: its details are Any, whose field 3 it is."""
    for key, value in error.trailing_metadata():
        if key == "grpc-status-details-bin":
            packed = any_pb2.Any.FromString(parse_status(value))
            described = server(url).pool.FindMessageTypeByName(packed.type_url.rsplit("/", 1)[1])
            return as_json(GetMessageClass(described).FromString(packed.value))
    return None


def parse_status(value):
    """The last field 3 (length-delimited) of a message of varints and bytes."""
    at, found = 0, None
    while at < len(value):
        tag, at = varint(value, at)
        if tag & 7 == 0:
            _, at = varint(value, at)
        else:
            length, at = varint(value, at)
            if tag >> 3 == 3:
                found = value[at : at + length]
            at += length
    return found


def varint(value, at):
    number, shift = 0, 0
    while True:
        byte = value[at]
        at += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number, at


serve({"services": services, "health": health, "call": call})
