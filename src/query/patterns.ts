// Regular expressions of questions. RE2 takes time linear in the length of the text, whatever the pattern is; but also in the
// size of its program, and a short pattern can have a large one. So both are bounded.

import { RE2JS, RE2JSException } from "re2js";
import { type Checked, checked, refused } from "./checked.ts";

/** In bytes of UTF-8. */
const MAX_PATTERN_BYTES = 1000;
/** In RE2's instructions: about as many as there are characters and repetitions of them. */
const MAX_PROGRAM_SIZE = 1000;

/** A test of whether the pattern is anywhere in a text; `field` is where the pattern stands in the question. */
export function patternTest(pattern: string, field: string): Checked<(text: string) => boolean> {
  const bytes = Buffer.byteLength(pattern);
  if (bytes > MAX_PATTERN_BYTES) {
    return refused(`${field} is a pattern of ${bytes} bytes; at most ${MAX_PATTERN_BYTES} are allowed`);
  }
  const program = compiled(pattern);
  if (typeof program === "string") {
    return refused(`${field} is no regular expression in RE2's syntax: ${program}`);
  }
  const size = program.programSize();
  if (size > MAX_PROGRAM_SIZE) {
    return refused(
      `${field} is a pattern of ${size} instructions; at most ${MAX_PROGRAM_SIZE} are allowed: repeat less in it`,
    );
  }
  return checked((text) => program.test(text));
}

/** The pattern's program, or what is wrong with it. */
function compiled(pattern: string): RE2JS | string {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    if (error instanceof RE2JSException) return error.message;
    throw error;
  }
}
