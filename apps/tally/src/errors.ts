/** What the command line ends with; `tally help exit-codes` prints it. */
export const EXIT = {
  ok: 0,
  /** It did not work, `replay verify` found a difference, or `store check` damage. */
  failed: 1,
  /** The command was not understood, or there was nothing that could be read. */
  usage: 2,
  /** Refused: by the border, by policy, or because the key belongs to another intent. */
  refused: 3,
  auth: 4,
  /** Held until somebody approves. */
  waiting: 5,
  interrupted: 130,
} as const;

export const EXIT_CODES_HELP = `Exit codes:
  0    ok
  1    failed; replay verify: different; store check: damaged
  2    not understood; replay verify, store: unreadable
  3    refused by policy
  4    no token, or not allowed
  5    waiting for approval
  130  interrupted`;

export interface CliFault {
  readonly code: string;
  /** What happened and why. */
  readonly message: string;
  /** What to do about it. */
  readonly fix?: string | undefined;
  readonly requestId?: string | undefined;
  readonly exit: number;
  /** Single reasons, one a line. */
  readonly reasons?: readonly string[];
}

/** Ends a command; the program prints it as text or JSON. */
export class CliError extends Error {
  readonly fault: CliFault;

  constructor(fault: CliFault) {
    super(fault.message);
    this.name = 'CliError';
    this.fault = fault;
  }
}

export const usage = (message: string, fix?: string): CliError => new CliError({ code: 'USAGE', message, fix, exit: EXIT.usage });
