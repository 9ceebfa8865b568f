/** A small text that outlives its process, kept where the event store does not keep its own. */
export interface AnchorFile {
  /** As it was last written; `undefined` when it never was. Rejects when it is there and cannot be read. */
  read(): Promise<string | undefined>;
  /** Durable when it resolves. Whoever reads finds the text before or this one, never a part. Rejects when it may not be durable. */
  write(text: string): Promise<void>;
}
