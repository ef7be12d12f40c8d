// The certificate and the key of the port, read from their files.

import { readFileSync } from "node:fs";
import type { ServeConfig } from "../config.ts";
import type { PortOptions } from "./port.ts";

/** The TLS part of the port's options: empty without a certificate. Throws an error that names setting and file. */
export function readTls({ tlsCert, tlsKey }: ServeConfig): Pick<PortOptions, "tls"> {
  if (tlsCert === undefined || tlsKey === undefined) return {};
  return { tls: { cert: readPem("--tls-cert", tlsCert), key: readPem("--tls-key", tlsKey) } };
}

function readPem(flag: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new Error(`the file ${path} of ${flag} cannot be read: ${detail}`, { cause: error });
  }
}
