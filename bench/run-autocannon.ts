// A process: autocannon with an AutocannonTask. It prints what LoadTool.read is to find, as JSON.

import { readFileSync } from "node:fs";
import autocannon from "autocannon";
import type { AutocannonTask } from "./autocannon.ts";

const { url, headers, bodyFile, connections, seconds }: AutocannonTask = JSON.parse(process.argv[2] ?? "{}");
const body = readFileSync(bodyFile);
const result = await autocannon({ url, method: "POST", headers, body, connections, duration: seconds });
const { "2xx": accepted, non2xx, errors, duration } = result;
if (non2xx > 0 || errors > 0) throw new Error(`${non2xx} requests were refused, ${errors} failed`);
process.stdout.write(JSON.stringify({ accepted, perSecond: accepted / duration }));
