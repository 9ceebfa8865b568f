/** Names on the server, in one place. Tokens are checked here, because a subject built from a hostile id could reach another queue. */

// A token ends up in subjects, stream and durable names and file names on the server: the narrowest alphabet of all of these.
const TOKEN = /^[A-Za-z0-9_-]{1,64}$/;
// The server's own limit on a subject is about 4 KiB; ours only has to be far above any name of the product.
const SUBJECT_CHARS_MAX = 255;

export const isToken = (text: string): boolean => TOKEN.test(text);

/** The token itself. Throws `BAD_TOKEN` for anything with dots, wildcards, spaces, control or other characters, or none. */
export const token = (text: string): string => {
  if (!isToken(text)) throw new Error(`BAD_TOKEN: ${JSON.stringify(text.slice(0, 80))} cannot be part of a subject`);
  return text;
};

/** A subject one may publish to: tokens joined by dots, no wildcards. */
export const isPublishSubject = (subject: string): boolean => subject.length <= SUBJECT_CHARS_MAX && subject.split('.').every(isToken);

/** A subject one may subscribe to: tokens, `*` for one, and `>` last for the rest. */
export const isFilterSubject = (subject: string): boolean => {
  const tokens = subject.split('.');
  return subject.length <= SUBJECT_CHARS_MAX && tokens.every((part, index) => part === '*' || (part === '>' && index === tokens.length - 1) || isToken(part));
};

export const commandSubject = (service: string, partition: number, command: string): string => `tally.cmd.${token(service)}.${partition}.${token(command)}`;

/** The parts of a command's subject, or `undefined` when it is not one. */
export const parseCommandSubject = (subject: string): { readonly service: string; readonly partition: number; readonly command: string } | undefined => {
  const match = /^tally\.cmd\.([A-Za-z0-9_-]+)\.(\d{1,5})\.([A-Za-z0-9_-]+)$/.exec(subject);
  if (match === null) return undefined;
  const [, service = '', partition = '', command = ''] = match;
  return { service, partition: Number(partition), command };
};

export const commandStream = (service: string): string => `CMD_${token(service).replaceAll('-', '_').toUpperCase()}`;
export const durableName = (service: string, partition: number, lane: string): string => `${token(service)}-${partition}-${token(lane)}`;

export const DEAD_LETTER_STREAM = 'DLQ';
export const DEAD_LETTER_SUBJECTS = 'tally.dlq.>';
export const deadLetterSubject = (service: string): string => `tally.dlq.${token(service)}`;
