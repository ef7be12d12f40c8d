// Senders of single events that do not let go: each event is sent again, with the same id, until it is acknowledged.

import http from "node:http";

export interface Load {
  /** The ids of all acknowledged events, each once. */
  readonly acknowledged: ReadonlySet<string>;
  /** How often a request failed or was refused, and was sent again. */
  readonly failures: number;
  /** Ends when the events under way are acknowledged. */
  stop(): Promise<void>;
}

const SENDERS = 8;
/** Before the next attempt, in ms. */
const RETRY_MS = 20;

/** Sends page views of `site` by POST /event, from several senders at once, until it is stopped. */
export function startLoad(url: string, site: string): Load {
  const acknowledged = new Set<string>();
  const agent = new http.Agent({ keepAlive: true });
  let failures = 0;
  let isStopped = false;
  const send = async (sender: number) => {
    for (let n = 0; !isStopped; n += 1) {
      const id = `${sender}-${n}`;
      const body = JSON.stringify({
        site_id: site,
        event_type: "page_view",
        path: "/",
        user_id: id,
        event_id: id,
      });
      while ((await post(agent, `${url}/event`, body)) !== 200) {
        failures += 1;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
      acknowledged.add(id);
    }
  };
  const senders = Array.from({ length: SENDERS }, (_, sender) => send(sender));
  return {
    acknowledged,
    get failures() {
      return failures;
    },
    stop: async () => {
      isStopped = true;
      await Promise.all(senders);
      agent.destroy();
    },
  };
}

/** The status of the answer; the error's code when there was none. */
export function post(agent: http.Agent | undefined, url: string, body: string): Promise<number | string> {
  return new Promise((resolve) => {
    const request = http.request(url, { agent, method: "POST" }, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode ?? 0));
      response.on("error", () => resolve("answer cut off"));
    });
    request.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    request.end(body);
  });
}
