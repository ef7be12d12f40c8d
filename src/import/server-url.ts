// Where the server is.

import { ImportError } from "./import-error.ts";

/** Of 127.0.0.0/8; URLs have addresses in their one form. */
const LOOPBACK_IPV4 = /^127\.\d+\.\d+\.\d+$/;

/** Throws an ImportError if `text` is no URL of a server. */
export function serverUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw new ImportError("options", `Not a URL of a server: ${text} (for instance http://127.0.0.1:5000)`);
  }
  return url;
}

/** Whether a server is reached on this machine, so that it believes what is said of visitors. */
export function isOnThisMachine({ hostname }: URL): boolean {
  return hostname === "localhost" || hostname === "[::1]" || LOOPBACK_IPV4.test(hostname);
}
