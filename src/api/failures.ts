// What ingestion and the read model fail with, as the RPCs say it.

import { Code, ConnectError } from "@connectrpc/connect";
import { IngestError } from "../ingest/ingest.ts";
import { isUnreadable, ReportsRefused, unreadable } from "../readmodel/reports.ts";

const CODES: Readonly<Record<IngestError["code"], Code>> = {
  buffer_full: Code.ResourceExhausted,
  unavailable: Code.Unavailable,
  too_large: Code.InvalidArgument,
};

export async function orFail<Outcome>(outcome: Promise<Outcome>): Promise<Outcome> {
  try {
    return await outcome;
  } catch (error) {
    if (!(error instanceof IngestError)) throw error;
    const retry = error.code === "too_large" ? undefined : { "Retry-After": "1" };
    throw new ConnectError(error.message, CODES[error.code], retry, undefined, error);
  }
}

export async function reportOrFail<Report>(report: () => Report | Promise<Report>): Promise<Report> {
  try {
    return await report();
  } catch (error) {
    if (isUnreadable(error)) {
      throw new ConnectError(unreadable(error), Code.Unavailable, undefined, undefined, error);
    }
    if (!(error instanceof ReportsRefused)) throw error;
    throw new ConnectError(error.message, Code.Unimplemented, undefined, undefined, error);
  }
}
