// Reflection as clients see it: over HTTP/2, both versions, question by question on one stream.

import { createServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { create, createFileRegistry, type DescService, fromBinary } from "@bufbuild/protobuf";
import {
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";
import { Code, createClient } from "@connectrpc/connect";
import { connectNodeAdapter, createGrpcTransport } from "@connectrpc/connect-node";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { AnalyticsService } from "../../gen/ts/analytics/v1/analytics_pb.ts";
import * as v1 from "../../gen/ts/grpc/reflection/v1/reflection_pb.ts";
import * as v1alpha from "../../gen/ts/grpc/reflection/v1alpha/reflection_pb.ts";
import { registerReflection } from "../../src/api/reflection.ts";

const ANALYTICS = "analytics/v1/analytics.proto";
const IMPORTED = AnalyticsService.file.dependencies.map(({ proto }) => proto.name);

/** shop/order.proto imports shop/money.proto, which imports shop/base.proto: with every kind of symbol in them. */
function shopService(): DescService {
  const set = create(FileDescriptorSetSchema, {
    file: [
      {
        name: "shop/base.proto",
        package: "shop",
        syntax: "proto2",
        messageType: [{ name: "Base", extensionRange: [{ start: 100, end: 200 }] }],
        extension: [
          { name: "color", number: 102, label: Label.OPTIONAL, type: Type.STRING, extendee: ".shop.Base" },
          { name: "size", number: 101, label: Label.OPTIONAL, type: Type.STRING, extendee: ".shop.Base" },
        ],
      },
      {
        name: "shop/money.proto",
        package: "shop",
        syntax: "proto3",
        dependency: ["shop/base.proto"],
        messageType: [{ name: "Money" }],
        enumType: [{ name: "Currency", value: [{ name: "CURRENCY_UNSPECIFIED", number: 0 }] }],
      },
      {
        name: "shop/order.proto",
        package: "shop",
        syntax: "proto3",
        dependency: ["shop/money.proto"],
        messageType: [
          {
            name: "Order",
            field: [
              {
                name: "price",
                number: 1,
                label: Label.OPTIONAL,
                type: Type.MESSAGE,
                typeName: ".shop.Money",
                oneofIndex: 0,
              },
            ],
            oneofDecl: [{ name: "payment" }],
            nestedType: [{ name: "Line", nestedType: [{ name: "Note" }] }],
            enumType: [{ name: "State", value: [{ name: "STATE_OPEN", number: 0 }] }],
          },
        ],
        service: [
          { name: "Shop", method: [{ name: "Buy", inputType: ".shop.Order", outputType: ".shop.Order" }] },
        ],
      },
    ],
  });
  const service = createFileRegistry(set).getService("shop.Shop");
  if (!service) throw new Error("shop.Shop is not in its file");
  return service;
}

let drain = new AbortController();
const sessions = new Set<ServerHttp2Session>();
let url = "";
let close = () => {};

beforeEach(async () => {
  drain = new AbortController();
  const server = createServer(
    connectNodeAdapter({
      routes: (router) => registerReflection(router, [shopService(), AnalyticsService]),
      shutdownSignal: drain.signal,
    }),
  );
  server.on("session", (session) => sessions.add(session));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  close = () => {
    for (const session of sessions) session.destroy();
    sessions.clear();
    server.close();
  };
});
afterEach(() => close());

type Question = v1.ServerReflectionRequest["messageRequest"];

async function* requests(questions: readonly Question[]) {
  for (const messageRequest of questions) yield { host: "h", messageRequest };
}

async function ask(...questions: Question[]) {
  const client = createClient(v1.ServerReflection, createGrpcTransport({ baseUrl: url }));
  const answers: v1.ServerReflectionResponse["messageResponse"][] = [];
  for await (const answer of client.serverReflectionInfo(requests(questions)))
    answers.push(answer.messageResponse);
  return answers;
}

/** The names of the files in the answer to one question, or the error in it. */
async function filesFor(question: Question): Promise<string[] | { code: number; message: string }> {
  const [answer] = await ask(question);
  if (answer?.case === "errorResponse") {
    return { code: answer.value.errorCode, message: answer.value.errorMessage };
  }
  if (answer?.case !== "fileDescriptorResponse") throw new Error(`unexpected answer ${answer?.case}`);
  return answer.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name);
}

const bySymbol = (value: string) => filesFor({ case: "fileContainingSymbol", value });
const extensionQuestion = (containingType: string, extensionNumber: number): Question => ({
  case: "fileContainingExtension",
  value: { $typeName: "grpc.reflection.v1.ExtensionRequest", containingType, extensionNumber },
});

describe.each([
  ["v1", v1.ServerReflection],
  ["v1alpha", v1alpha.ServerReflection],
] as const)("%s", (_, service) => {
  test("lists the services by name, and repeats the question", async () => {
    const client = createClient<typeof v1.ServerReflection | typeof v1alpha.ServerReflection>(
      service,
      createGrpcTransport({ baseUrl: url }),
    );
    const answers = [];
    const questions = requests([{ case: "listServices", value: "" }]);
    for await (const answer of client.serverReflectionInfo(questions)) answers.push(answer);
    expect(answers).toMatchObject([
      {
        validHost: "h",
        originalRequest: { host: "h", messageRequest: { case: "listServices" } },
        messageResponse: {
          case: "listServicesResponse",
          value: { service: [{ name: "analytics.v1.AnalyticsService" }, { name: "shop.Shop" }] },
        },
      },
    ]);
  });
});

test.each([
  "analytics.v1.AnalyticsService",
  "analytics.v1.AnalyticsService.GetStats",
  "analytics.v1.GetStatsRequest",
  "analytics.v1.GetStatsRequest.date",
  "analytics.v1.GetStatsRequest._date",
  "analytics.v1.ServiceState",
  "analytics.v1.SERVICE_STATE_HEALTHY",
])("%s is answered with the analytics file and what that imports", async (symbol) => {
  expect(await bySymbol(symbol)).toEqual([ANALYTICS, ...IMPORTED]);
});

test.each([
  "shop.Shop.Buy",
  "shop.Order",
  "shop.Order.price",
  "shop.Order.payment",
  "shop.Order.Line.Note",
  "shop.Order.State",
  "shop.Order.STATE_OPEN",
])("%s is answered with its file and all that it imports", async (symbol) => {
  expect(await bySymbol(symbol)).toEqual(["shop/order.proto", "shop/money.proto", "shop/base.proto"]);
});

test.each([
  ["shop.Money", ["shop/money.proto", "shop/base.proto"]],
  ["shop.CURRENCY_UNSPECIFIED", ["shop/money.proto", "shop/base.proto"]],
  ["shop.size", ["shop/base.proto"]],
])("%s of an imported file is found", async (symbol, files) => {
  expect(await bySymbol(symbol)).toEqual(files);
});

test.each(["shop.Order.State.STATE_OPEN", "shop", "Order", ".shop.Order", "shop.Nothing", "", "toString"])(
  "the symbol %j is not found",
  async (symbol) => {
    expect(await bySymbol(symbol)).toEqual({ code: Code.NotFound, message: `symbol ${symbol} not found` });
  },
);

test("files are found by name, imported ones too", async () => {
  expect(await filesFor({ case: "fileByFilename", value: ANALYTICS })).toEqual([ANALYTICS, ...IMPORTED]);
  expect(await filesFor({ case: "fileByFilename", value: "shop/base.proto" })).toEqual(["shop/base.proto"]);
  expect(await filesFor({ case: "fileByFilename", value: "no.proto" })).toEqual({
    code: Code.NotFound,
    message: "file no.proto not found",
  });
});

test("an answered file is the whole descriptor", async () => {
  const [answer] = await ask({ case: "fileByFilename", value: ANALYTICS });
  if (answer?.case !== "fileDescriptorResponse") throw new Error(`unexpected answer ${answer?.case}`);
  const [bytes = new Uint8Array()] = answer.value.fileDescriptorProto;
  expect(fromBinary(FileDescriptorProtoSchema, bytes)).toEqual(AnalyticsService.file.proto);
});

test("extensions are found by type and number", async () => {
  expect(await filesFor(extensionQuestion("shop.Base", 101))).toEqual(["shop/base.proto"]);
  expect(await filesFor(extensionQuestion("shop.Base", 103))).toEqual({
    code: Code.NotFound,
    message: "extension 103 of shop.Base not found",
  });
});

test("the numbers of extensions are listed for every known message, and for nothing else", async () => {
  const question = (value: string): Question => ({ case: "allExtensionNumbersOfType", value });
  const list = (baseTypeName: string, extensionNumber: number[]) => ({
    case: "allExtensionNumbersResponse",
    value: { baseTypeName, extensionNumber },
  });
  expect(await ask(question("shop.Base"), question("shop.Order"), question("shop.Currency"))).toMatchObject([
    list("shop.Base", [101, 102]),
    list("shop.Order", []),
    {
      case: "errorResponse",
      value: { errorCode: Code.NotFound, errorMessage: "message shop.Currency not found" },
    },
  ]);
});

test("a stream goes on after questions that cannot be answered", async () => {
  const answers = await ask(
    { case: undefined },
    { case: "fileContainingSymbol", value: "no.Such" },
    { case: "listServices", value: "" },
  );
  expect(answers).toMatchObject([
    { case: "errorResponse", value: { errorCode: Code.InvalidArgument } },
    { case: "errorResponse", value: { errorCode: Code.NotFound } },
    { case: "listServicesResponse" },
  ]);
});

test("a stream that the client keeps open ends when the server drains", async () => {
  const client = createClient(v1.ServerReflection, createGrpcTransport({ baseUrl: url }));
  const never = Promise.withResolvers<void>();
  async function* openEnded() {
    yield* requests([{ case: "listServices", value: "" }]);
    await never.promise;
  }
  const cases: unknown[] = [];
  for await (const answer of client.serverReflectionInfo(openEnded())) {
    cases.push(answer.messageResponse.case);
    drain.abort();
  }
  expect(cases).toEqual(["listServicesResponse"]);
});
