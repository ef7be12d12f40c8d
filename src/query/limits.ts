// Why a question that is right cannot be answered. The messages are fit to be shown to whoever asked.

/** It takes more memory than a question may. */
export class TooMuch extends Error {}

/** It takes longer than a question may. */
export class TooSlow extends Error {}
