// How the RPCs read JSON. Texts that are not UTF-8 are refused, where the default would put replacement characters into them, and
// those with too much in them.

import { limitedJsonDecoder as textDecoder } from "./message-size.ts";

/** Of events: their senders may know more fields than this version does. */
export const EVENT_JSON = { ignoreUnknownFields: true, textDecoder };

/** Of questions and settings: a field that is left out for its misspelt name makes the answer a wrong one. */
export const QUESTION_JSON = { ignoreUnknownFields: false, textDecoder };
