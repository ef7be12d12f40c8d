// Batches that come in protobuf's binary format, with their events left as bytes: to decode them by the schema costs as
// much as to validate, encode and store them.
//
// connect-node decodes by the schema that a method has. So the method is registered twice: as it is, for JSON, and for
// the binary format with the message that has no field. All fields are unknown to that one, which keeps them as they
// are, and written again it has the bytes that came.
//
// What cannot be decoded is refused as by the schema. Only a message whose fields cannot be told apart is refused at
// once, for that: by the schema, another fault might be named, or an event be read beyond its end.
// undecoded.test.ts holds both to the same answers.

import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import { type Empty, EmptySchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";

/** `method`, but its requests keep their fields as bytes. */
export function undecoded<Method extends object>(method: Method) {
  return { ...method, input: EmptySchema };
}

/**
 * Makes one of the two routes that `router` has for a path, the last ones registered: requests in JSON go to the first,
 * all others to the second.
 */
export function joinByCodec(router: ConnectRouter): void {
  const [json, binary] = router.handlers.splice(-2);
  if (!json || json.requestPath !== binary?.requestPath)
    throw new Error("the last two routes are not of one path");
  const byCodec: typeof json = Object.assign(
    (request: Parameters<typeof json>[0]) =>
      (/json/i.test(request.header.get("content-type") ?? "") ? json : binary)(request),
    json,
  );
  router.handlers.push(byCodec);
}

/** The events of a batch, each with its length before it; undefined when it has other fields as well. */
export function eventBytes({ $unknown = [] }: Empty): Uint8Array[] | undefined {
  const areEvents = $unknown.every(({ no, wireType }) => no === 1 && wireType === WireType.LengthDelimited);
  return areEvents ? $unknown.map(({ data }) => data) : undefined;
}

/**
 * The message that `request` is by `schema`; `request` is empty then, so that a message of very many fields is not held
 * twice. Fails as connect-node does when it cannot be decoded.
 */
export function decoded<Schema extends DescMessage>(schema: Schema, request: Empty): MessageShape<Schema> {
  const bytes = toBinary(EmptySchema, request);
  request.$unknown = [];
  try {
    return fromBinary(schema, bytes);
  } catch (error) {
    throw new ConnectError(`parse binary: ${error instanceof Error ? error.message : error}`, Code.Internal);
  }
}
