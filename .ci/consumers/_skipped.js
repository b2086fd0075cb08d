/** Thrown by a case that cannot run on this machine; the message says what it lacks. */
export class Skipped extends Error {}
