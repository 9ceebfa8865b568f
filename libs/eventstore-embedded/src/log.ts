/** The shape of the product's log port, stated here so that the store depends on nothing. `fields` carry no secrets. */
export interface StoreLog {
  write(level: 'debug' | 'info' | 'warn' | 'error', event: string, fields?: Readonly<Record<string, unknown>>): void;
}

export const SILENT_LOG: StoreLog = { write: () => undefined };
