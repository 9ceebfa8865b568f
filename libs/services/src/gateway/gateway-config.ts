import { z } from 'zod';

const port = z.coerce.number().int().min(0).max(65_535);

/** What the gateway is told beside what every service is. Variables are `TALLY_<NAME>`. */
export const GatewayConfigSchema = z.object({
  mode: z.enum(['paper', 'live']).default('paper'),
  /** Loopback: whoever opens it further puts TLS in front. */
  gatewayHost: z.string().min(1).default('127.0.0.1'),
  /** 0 for any free one. */
  gatewayPort: port.default(8787),
  /** `[{"name":"risk","url":"http://127.0.0.1:9101"}]`: whose health pages `/v1/services` looks at. */
  services: z.preprocess((value) => (typeof value === 'string' ? readJson(value) : value), z.array(z.strictObject({ name: z.string().min(1), url: z.url({ protocol: /^https?$/ }) })).default([])),
});
export type GatewayConfig = z.infer<typeof GatewayConfigSchema>;

const readJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: the schema then says what it should have been.
    return text;
  }
};
