/** gRPC's server reflection, by which clients such as grpcurl call services without having their protos. */
import { type DescFile, type DescService, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code, type ConnectRouter } from "@connectrpc/connect";
import {
  type ServerReflectionRequest,
  ServerReflection as V1,
} from "./generated/grpc/reflection/v1/reflection_pb.js";
import {
  type ServerReflectionRequest as OldRequest,
  ServerReflection as V1Alpha,
} from "./generated/grpc/reflection/v1alpha/reflection_pb.js";

export const REFLECTION: readonly DescService[] = [V1, V1Alpha];

/** Both versions, whose messages are the same. */
export function addReflection(router: ConnectRouter, services: readonly DescService[]): void {
  const files = filesOf(services);
  const symbols = symbolsOf([...files.values()]);
  async function* answer<Request extends ServerReflectionRequest | OldRequest>(
    requests: AsyncIterable<Request>,
  ) {
    for await (const request of requests)
      yield {
        validHost: request.host,
        originalRequest: request,
        messageResponse: responseTo(request.messageRequest),
      };
  }
  const responseTo = (request: (ServerReflectionRequest | OldRequest)["messageRequest"]) => {
    switch (request.case) {
      case "listServices":
        return {
          case: "listServicesResponse",
          value: { service: services.map(({ typeName }) => ({ name: typeName })) },
        } as const;
      case "fileByFilename":
        return fileResponse(files.get(request.value), request.value);
      case "fileContainingSymbol":
        return fileResponse(symbols.get(request.value), request.value);
      case "allExtensionNumbersOfType":
        return notFound(`There are no extensions of ${request.value}.`);
      case "fileContainingExtension":
        return notFound(`There are no extensions of ${request.value.containingType}.`);
      default:
        return errorResponse(Code.InvalidArgument, "The request asks for nothing.");
    }
  };
  router.service(V1, { serverReflectionInfo: answer });
  router.service(V1Alpha, { serverReflectionInfo: answer });
}

/** The file and all that it imports, each once. */
function fileResponse(file: DescFile | undefined, wanted: string) {
  if (file === undefined) return notFound(`There is no ${wanted} here.`);
  const files = [...filesOf([{ file }]).values()];
  return {
    case: "fileDescriptorResponse",
    value: { fileDescriptorProto: files.map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto)) },
  } as const;
}

const notFound = (message: string) => errorResponse(Code.NotFound, message);

function errorResponse(errorCode: Code, errorMessage: string) {
  return { case: "errorResponse", value: { errorCode, errorMessage } } as const;
}

/** Files and what they import, by name. */
function filesOf(of: readonly { readonly file: DescFile }[]): Map<string, DescFile> {
  const files = new Map<string, DescFile>();
  const add = (file: DescFile): void => {
    if (files.has(`${file.name}.proto`)) return;
    files.set(`${file.name}.proto`, file);
    for (const dependency of file.dependencies) add(dependency);
  };
  for (const { file } of of) add(file);
  return files;
}

/** By full name: services and their methods, messages, enums, and what is in them. */
function symbolsOf(files: readonly DescFile[]): Map<string, DescFile> {
  const symbols = new Map<string, DescFile>();
  for (const file of files) {
    const { proto } = file;
    const add = (symbol: string) => symbols.set(symbol, file);
    for (const service of file.services) {
      add(service.typeName);
      for (const method of service.methods) add(`${service.typeName}.${method.name}`);
    }
    const addTypes = (within: string, messages: typeof proto.messageType, enums: typeof proto.enumType) => {
      for (const one of enums) add(`${within}.${one.name}`);
      for (const { name, field, nestedType, enumType } of messages) {
        const full = `${within}.${name}`;
        add(full);
        for (const one of field) add(`${full}.${one.name}`);
        addTypes(full, nestedType, enumType);
      }
    };
    addTypes(proto.package, proto.messageType, proto.enumType);
  }
  return symbols;
}
