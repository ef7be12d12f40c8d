// A worker thread's composition root: it writes one batch at a time.

import { workerData } from "piscina";
import { ChangesWriter } from "./changes-writer.ts";
import { Commits, openForWriting } from "./commits.ts";
import type { WriteSettings, WriteTask } from "./write-thread.ts";

const { path, sizes }: WriteSettings = workerData;
const database = openForWriting(path);
const commits = new Commits(database);
const writer = new ChangesWriter(database, sizes);

export default function ({ changes, expected, after }: WriteTask): void {
  commits.commit(expected, after, () => writer.write(changes));
}
