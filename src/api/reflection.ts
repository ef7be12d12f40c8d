// gRPC server reflection, v1 and v1alpha, over the files of the given services and all that they import.
//
// A file is always answered with its transitive imports, itself first, so a client needs one question per symbol.

import { type DescFile, type DescService, toBinary } from "@bufbuild/protobuf";
import {
  type DescriptorProto,
  type EnumDescriptorProto,
  type FieldDescriptorProto,
  FileDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";
import { Code, type ConnectRouter, type HandlerContext } from "@connectrpc/connect";
import * as v1 from "../../gen/ts/grpc/reflection/v1/reflection_pb.ts";
import * as v1alpha from "../../gen/ts/grpc/reflection/v1alpha/reflection_pb.ts";

type Request = v1.ServerReflectionRequest | v1alpha.ServerReflectionRequest;
type Question = Request["messageRequest"];

/** An answer in the shape that both versions share. */
type Answer =
  | { case: "fileDescriptorResponse"; value: { fileDescriptorProto: Uint8Array[] } }
  | { case: "allExtensionNumbersResponse"; value: { baseTypeName: string; extensionNumber: number[] } }
  | { case: "listServicesResponse"; value: { service: { name: string }[] } }
  | { case: "errorResponse"; value: { errorCode: number; errorMessage: string } };

/** The largest message of a question, in bytes. */
const SMALL_MESSAGE = { readMaxBytes: 64 * 1024 };

export function registerReflection(router: ConnectRouter, services: readonly DescService[]): void {
  const index = new DescriptorIndex(services);

  async function* answerAll<R extends Request>(requests: AsyncIterable<R>, { signal }: HandlerContext) {
    for await (const request of untilAborted(requests, signal)) {
      const messageResponse = index.answer(request.messageRequest);
      yield { validHost: request.host, originalRequest: request, messageResponse };
    }
  }

  router.service(v1.ServerReflection, { serverReflectionInfo: answerAll }, SMALL_MESSAGE);
  router.service(v1alpha.ServerReflection, { serverReflectionInfo: answerAll }, SMALL_MESSAGE);
}

/** Ends when `signal` aborts, so that a client that keeps its stream open does not hold up the end of the server. */
async function* untilAborted<T>(items: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const iterator = items[Symbol.asyncIterator]();
  while (!signal.aborted) {
    const aborted = Promise.withResolvers<undefined>();
    const onAbort = () => aborted.resolve(undefined);
    signal.addEventListener("abort", onAbort);
    const next = await Promise.race([iterator.next(), aborted.promise]).finally(() =>
      signal.removeEventListener("abort", onAbort),
    );
    if (next === undefined || next.done) return;
    yield next.value;
  }
}

/** Finds files by their names and by what they declare. All names are full, without a leading dot. */
class DescriptorIndex {
  readonly #services: string[];
  readonly #files = new Map<string, DescFile>();
  readonly #symbols = new Map<string, DescFile>();
  /** For each message the extensions of it, by number. */
  readonly #extensions = new Map<string, Map<number, DescFile>>();

  constructor(services: readonly DescService[]) {
    this.#services = services.map((service) => service.typeName).sort();
    for (const file of closure(services.map((service) => service.file))) this.#addFile(file);
  }

  answer(question: Question): Answer {
    switch (question.case) {
      case "listServices":
        return { case: "listServicesResponse", value: { service: this.#services.map((name) => ({ name })) } };
      case "fileByFilename":
        return fileAnswer(this.#files.get(question.value), `file ${question.value}`);
      case "fileContainingSymbol":
        return fileAnswer(this.#symbols.get(question.value), `symbol ${question.value}`);
      case "fileContainingExtension": {
        const { containingType, extensionNumber } = question.value;
        const file = this.#extensions.get(containingType)?.get(extensionNumber);
        return fileAnswer(file, `extension ${extensionNumber} of ${containingType}`);
      }
      case "allExtensionNumbersOfType": {
        const extensions = this.#extensions.get(question.value);
        if (extensions === undefined) return failure(Code.NotFound, `message ${question.value} not found`);
        const extensionNumber = [...extensions.keys()].sort((a, b) => a - b);
        return {
          case: "allExtensionNumbersResponse",
          value: { baseTypeName: question.value, extensionNumber },
        };
      }
      default:
        return failure(Code.InvalidArgument, "the request asks for nothing: message_request is not set");
    }
  }

  #addFile(file: DescFile): void {
    const { proto } = file;
    this.#files.set(proto.name, file);
    for (const message of proto.messageType) this.#addMessage(file, proto.package, message);
    for (const enumeration of proto.enumType) this.#addEnum(file, proto.package, enumeration);
    for (const extension of proto.extension) this.#addExtension(file, proto.package, extension);
    for (const service of proto.service) {
      const name = this.#addSymbol(file, proto.package, service.name);
      for (const method of service.method) this.#addSymbol(file, name, method.name);
    }
  }

  #addMessage(file: DescFile, scope: string, message: DescriptorProto): void {
    const name = this.#addSymbol(file, scope, message.name);
    this.#extensionsOf(name);
    for (const { name: member } of [...message.field, ...message.oneofDecl])
      this.#addSymbol(file, name, member);
    for (const nested of message.nestedType) this.#addMessage(file, name, nested);
    for (const nested of message.enumType) this.#addEnum(file, name, nested);
    for (const extension of message.extension) this.#addExtension(file, name, extension);
  }

  /** The values of an enum are named as its siblings, not as its children. */
  #addEnum(file: DescFile, scope: string, enumeration: EnumDescriptorProto): void {
    for (const { name } of [enumeration, ...enumeration.value]) this.#addSymbol(file, scope, name);
  }

  #addExtension(file: DescFile, scope: string, extension: FieldDescriptorProto): void {
    this.#addSymbol(file, scope, extension.name);
    this.#extensionsOf(extension.extendee.replace(/^\./, "")).set(extension.number, file);
  }

  #extensionsOf(message: string): Map<number, DescFile> {
    const extensions = this.#extensions.get(message) ?? new Map<number, DescFile>();
    this.#extensions.set(message, extensions);
    return extensions;
  }

  #addSymbol(file: DescFile, scope: string, name: string): string {
    const fullName = scope === "" ? name : `${scope}.${name}`;
    this.#symbols.set(fullName, file);
    return fullName;
  }
}

/** The files and all that they import, each once. */
function closure(files: Iterable<DescFile>): Set<DescFile> {
  const found = new Set(files);
  // A set's iteration also visits what is added during it.
  for (const file of found) for (const imported of file.dependencies) found.add(imported);
  return found;
}

function fileAnswer(file: DescFile | undefined, sought: string): Answer {
  if (file === undefined) return failure(Code.NotFound, `${sought} not found`);
  const files = Array.from(closure([file]), ({ proto }) => toBinary(FileDescriptorProtoSchema, proto));
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto: files } };
}

function failure(code: Code, message: string): Answer {
  return { case: "errorResponse", value: { errorCode: code, errorMessage: message } };
}
