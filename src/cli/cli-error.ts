/** A command cannot do what it was asked to. The message is for the person at the terminal: what is wrong, what to do. */
export class CliError extends Error {}
