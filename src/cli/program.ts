// The command line.

import { join } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import packageJson from "../../package.json" with { type: "json" };
import {
  configProblem,
  dataOption,
  dedupeWindowOption,
  type ServeConfig,
  serveOptions,
  urlOption,
} from "../config.ts";
import { KEY_FILE_NAME, runImport } from "../import/import.ts";
import { ImportError } from "../import/import-error.ts";
import { LogError } from "../log/errors.ts";
import { createLogger } from "../logger.ts";
import { supervise } from "../supervisor/supervisor.ts";
import { backup, restore } from "./backup.ts";
import { CliError } from "./cli-error.ts";
import { configText } from "./config.ts";
import { prepareDataDirectory } from "./data-directory.ts";
import { deadLettersText } from "./dead-letters.ts";
import { catLog } from "./log-cat.ts";
import { pruneLog } from "./log-prune.ts";
import { repair } from "./log-repair.ts";
import { salvageText } from "./log-salvage.ts";
import { verify } from "./log-verify.ts";
import { rebuild } from "./rebuild.ts";
import { statsText } from "./stats.ts";

const program = new Command("footfall")
  .description("Web analytics that does not lose, double or invent an event.")
  .version(packageJson.version)
  .showHelpAfterError("(--help shows what is possible)");

const serve = program.command("serve").description("run the server");
for (const option of serveOptions(process.env)) serve.addOption(option);
serve.action(async () => {
  const config = effectiveConfig(serve);
  prepareDataDirectory(
    config.data,
    config.role.some((role) => role !== "report"),
  );
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => stop.abort());
  process.exitCode = await supervise(config, createLogger("footfall", config.logLevel), stop.signal);
});

const config = program.command("config").description("print the effective settings of `footfall serve`");
for (const option of serveOptions(process.env)) config.addOption(option);
config.action(() => {
  effectiveConfig(config);
  process.stdout.write(configText(config));
});

program
  .command("stats")
  .description("ask a running server for the statistics of a site")
  .option("--site <id>", "the site")
  .hook("preAction", requireSite)
  .option("--range <name>", "today, yesterday, 7d, 12mo, month, year or all (default: all)")
  .option("--from <time>", "the beginning, instead of a range: a day or a time of RFC 3339")
  .option("--to <time>", "the end: a day, which is part of it, or a time (default: now)")
  .option("--time-zone <name>", "the zone that days begin in (default: the site's, or UTC)")
  .addOption(new Option("--date <YYYY-MM-DD>", "one UTC day").conflicts(["range", "from", "to", "timeZone"]))
  .option("--limit <number>", "how many rows a table has at most", parseNumber, 10)
  .option("--include-bots", "let bots count as well", false)
  .option("--json", "print one JSON object instead", false)
  .addOption(urlOption())
  .action(async (options) => {
    process.stdout.write(await statsText(options));
  });

program
  .command("import")
  .description("send the page views of access logs to a running server; repeatable")
  .argument("<file...>", "access logs, plain or gzipped; - is standard input")
  .option("--site <id>", "the site that they are of")
  .hook("preAction", requireSite)
  .addOption(
    new Option("--format <name>", "the format of the logs").choices(["combined"]).default("combined"),
  )
  .option("--include-assets", "also import static files", false)
  .option("--include-bots", "let known bots count as people do; by default they are only flagged", false)
  .option("--hostname <name>", "the host of the site's pages, so that links between them are no referrers")
  .option(
    "--again",
    "send everything again, also what was imported before: what is older than the dedupe window counts twice",
    false,
  )
  .option("--key-file <file>", `the key that user ids are made with (default: ${KEY_FILE_NAME} in --data)`)
  .addOption(dataOption())
  .addOption(urlOption())
  .action(async (files: string[], options) => {
    const keyFile = options.keyFile ?? join(options.data, KEY_FILE_NAME);
    const { stdin, stdout, stderr } = process;
    const io = { stdin, stdout, stderr, isTTY: stderr.isTTY === true, signal: interruptSignal() };
    await runImport({ ...options, files, keyFile }, io);
  });

program
  .command("rebuild")
  .description(
    "make the statistics anew from the log, beside the live ones; can be interrupted and gone on with",
  )
  .option("--accept-loss", "also when the log no longer has its beginning", false)
  .addOption(dataOption())
  .addOption(dedupeWindowOption())
  .action(async (options, command: Command) => {
    const isWindowGiven = isGiven(command, "dedupeWindow");
    process.stdout.write(await rebuild({ ...options, isWindowGiven }, interruptSignal()));
  });

program
  .command("backup")
  .description("copy everything to a directory that does not exist yet, while a server runs or not")
  .argument("<directory>", "where to")
  .addOption(dataOption())
  .action(async (directory: string, options) => {
    process.stdout.write(await backup(options.data, directory, interruptSignal()));
  });

program
  .command("restore")
  .description("make a data directory out of a backup, and verify it")
  .argument("<directory>", "the backup")
  .addOption(dataOption())
  .action(async (directory: string, options) => {
    process.stdout.write(await restore(directory, options.data, interruptSignal()));
  });

const deadLetters = program
  .command("dead-letters")
  .description("events that are in no number, as they cannot be folded");
deadLetters
  .command("list", { isDefault: true })
  .description("print them as JSON lines, each with the reason")
  .addOption(dataOption())
  .action(async (options) => {
    process.stdout.write(await deadLettersText(options.data));
  });
deadLetters
  .command("retry")
  .description("fold them again, in their place among the others: `footfall rebuild`")
  .addOption(dataOption())
  .addOption(dedupeWindowOption())
  .action(async (options, command: Command) => {
    const isWindowGiven = isGiven(command, "dedupeWindow");
    process.stdout.write(await rebuild({ ...options, isWindowGiven, acceptLoss: false }, interruptSignal()));
  });

const log = program.command("log").description("look at the event log");
log
  .command("cat")
  .description("print the events of the log as JSON lines")
  .option("--from <offset>", "the first offset to print", parseNumber, 0)
  .addOption(dataOption())
  .action((options) => catLog(options.data, options.from, process.stdout));
log
  .command("verify")
  .description("read the whole log and say whether it is whole; works beside a running server")
  .addOption(dataOption())
  .action(async (options) => {
    const { text, isWhole } = await verify(options.data);
    process.stdout.write(text);
    process.exitCode = isWhole ? 0 : 1;
  });
log
  .command("repair")
  .description("make a damaged log one that can be opened; without --yes, only say what that takes")
  .option("--yes", "do it; each file that is changed is kept as it was", false)
  .addOption(dataOption())
  .action(async (options) => {
    const { text, isGood } = await repair(options.data, options.yes);
    process.stdout.write(text);
    process.exitCode = isGood ? 0 : 1;
  });
log
  .command("salvage")
  .description("append what a repair took away, and can be read, to the repaired log; repeatable")
  .argument("<directory>", "what the repair left: log/damaged-<UTC time>")
  .addOption(dataOption())
  .action(async (directory: string, options) => {
    process.stdout.write(await salvageText(options.data, directory));
  });

log
  .command("prune")
  .description("take the oldest segments off the log; they are archived")
  .option("--before <YYYY-MM-DD>", "those received before this UTC day")
  .option("--keep <bytes>", "the oldest, until at most so many bytes are left", parseNumber)
  .option("--delete", "delete them instead", false)
  .addOption(dataOption())
  .action(async (options) => {
    process.stdout.write(await pruneLog(options, interruptSignal()));
  });

// A reader such as `head` that has enough closes the pipe: that is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`footfall: ${explain(error)}\n`);
  process.exitCode = 1;
}

/** Aborts on Ctrl-C, once: pressed again, it ends the process. */
function interruptSignal(): AbortSignal {
  const interrupt = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => interrupt.abort());
  return interrupt.signal;
}

function effectiveConfig(command: Command): ServeConfig {
  const settings = command.opts<ServeConfig>();
  const problem = configProblem(settings);
  if (problem !== undefined) command.error(`error: ${problem}`);
  return settings;
}

/** Commander would miss it before it saw a flag that is misspelled. */
function requireSite(command: Command): void {
  if (!isGiven(command, "site")) command.error("error: required option '--site <id>' not specified");
}

/** By a flag or a variable. */
function isGiven(command: Command, option: string): boolean {
  return ["cli", "env"].includes(command.getOptionValueSource(option) ?? "");
}

function parseNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError("It must be a whole number.");
  return Number(text);
}

/** Expected errors by their message; a bug with its stack. */
function explain(error: unknown): string {
  if (error instanceof CliError || error instanceof ImportError || error instanceof LogError) {
    return error.message;
  }
  if (error instanceof Error && isOfTheSystem(error)) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** What the file system, the network or SQLite says of a disk, a file or a right that is missing. */
function isOfTheSystem(error: Error): boolean {
  const code = "code" in error ? String(error.code) : "";
  return "syscall" in error || /^SQLITE_(READONLY|CANTOPEN|FULL|IOERR)/.test(code);
}
