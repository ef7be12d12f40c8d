// A worker thread's composition root: it answers one question at a time.

import { workerData } from "piscina";
import type { Task, WorkerSettings } from "./pool.ts";
import type { Reply } from "./queries.ts";
import { replyTo } from "./reply.ts";
import { StoredEvents } from "./stored-events.ts";
import { warmUp as warmUpWith } from "./warm-up.ts";
import type { WarmUpQuestion } from "./warm-up-questions.ts";

const { dataDirectory, cacheBytes }: WorkerSettings = workerData;
const stored = new StoredEvents(dataDirectory, cacheBytes);

export default function (task: Task): Reply {
  return replyTo(task, stored);
}

export function letGo(): void {
  stored.letGo();
}

export function warmUp(question: WarmUpQuestion): void {
  warmUpWith(question, stored);
}
