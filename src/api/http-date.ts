let date = { second: 0, text: "" };

/** The time as a Date header has it (RFC 9110, 5.6.7). */
export function httpDate(): string {
  const second = Math.floor(Date.now() / 1000);
  if (second !== date.second) date = { second, text: new Date(second * 1000).toUTCString() };
  return date.text;
}
