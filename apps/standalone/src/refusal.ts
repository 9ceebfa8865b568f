/** Something the person at the keyboard can mend: its message is the whole story, shown as one line without a stack. */
export class Refusal extends Error {
  constructor(
    message: string,
    /** 2: the command was wrong. 1: it could not be done. */
    readonly exitCode: 1 | 2 = 1,
  ) {
    super(message);
  }
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
/** By its member and not by its class: errors of the system may come from another realm than the one that asks. */
export const codeOf = (error: unknown): string => (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : '');
