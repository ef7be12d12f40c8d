// Tables whose keys are host names, and hold for all hosts below these: "example.org" for "a.b.example.org", too.
//
// A key may be of the form "google.*": for "google" before any top-level domain, or before a pair such as "co.uk".

/** More labels than any key has. What a host has before them is not looked at: it can have more than a hundred. */
const MAX_LABELS = 8;
/** What stands for "*": a top-level domain, perhaps below one of the labels that registries of countries have. */
const PUBLIC_SUFFIX = /^(?:(?:com?|org?|net?|edu|gov)\.)?[a-z]{2,3}$/;

/** The value of the longest key of `table` that holds for `host`, which is in lower case; undefined if none does. */
export function ofHost<T>(table: ReadonlyMap<string, T>, host: string): T | undefined {
  for (let name = host.split(".").slice(-MAX_LABELS).join("."); name !== ""; name = parentOf(name)) {
    const value = table.get(name) ?? table.get(anySuffix(name));
    if (value !== undefined) return value;
  }
  return undefined;
}

function parentOf(name: string): string {
  const dot = name.indexOf(".");
  return dot < 0 ? "" : name.slice(dot + 1);
}

function anySuffix(name: string): string {
  const parent = parentOf(name);
  return PUBLIC_SUFFIX.test(parent) ? name.slice(0, -parent.length).concat("*") : "";
}
