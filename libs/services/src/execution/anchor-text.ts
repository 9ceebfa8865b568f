import { canonicalJson, hashOf, KnownEventV1, sha256Hex } from '@tallystick/contracts';
import type { KnownEvent } from '@tallystick/domain';
import type { AnchorFile } from '@tallystick/ports';
import { z } from 'zod';

const Anchor = z.strictObject({ version: z.literal(1), role: z.string(), kept_by: z.string(), kept_at_ms: z.int(), event: KnownEventV1 });
const AnchorText = z.strictObject({ ...Anchor.shape, checksum: z.string() });

export type AnchorRead =
  /** Nothing was ever kept. */
  | { readonly kind: 'none' }
  /** `digest` names exactly this text. */
  | { readonly kind: 'readable'; readonly digest: string; readonly event: KnownEvent }
  | { readonly kind: 'unreadable'; readonly digest: string; readonly detail: string };

const checksumOf = (anchor: z.infer<typeof Anchor>): string => hashOf('tallystick/anchor/v1', canonicalJson(anchor));

/** The text of an anchor. The checksum tells a text that was damaged from a log that is behind. Process time, UTC. */
export const spellAnchor = (anchor: { readonly role: string; readonly kept_by: string; readonly kept_at_ms: number; readonly event: KnownEvent }): string => {
  const whole = { version: 1, ...anchor } as const;
  return `${JSON.stringify({ ...whole, checksum: checksumOf(whole) }, null, 1)}\n`;
};

const parseAnchor = (text: string): { readonly event: KnownEvent } | { readonly detail: string } => {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return { detail: `it is not JSON (${error instanceof Error ? error.name : 'unreadable'}, ${text.length} characters)` };
  }
  const parsed = AnchorText.safeParse(json);
  if (!parsed.success) return { detail: parsed.error.issues.slice(0, 3).map((issue) => `${issue.path.map(String).join('.') || 'it'}: ${issue.message}`).join('; ') };
  const { checksum, ...anchor } = parsed.data;
  return checksumOf(anchor) === checksum ? { event: anchor.event } : { detail: 'its checksum is wrong' };
};

/** What was kept. Whatever is there and is not the whole of an anchor is `unreadable`: it is never taken for a first start. */
export const readAnchor = async (file: AnchorFile): Promise<AnchorRead> => {
  let text: string | undefined;
  try {
    text = await file.read();
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { kind: 'unreadable', digest: sha256Hex(detail), detail };
  }
  if (text === undefined) return { kind: 'none' };
  const parsed = parseAnchor(text);
  const digest = sha256Hex(text);
  return 'event' in parsed ? { kind: 'readable', digest, event: parsed.event } : { kind: 'unreadable', digest, detail: parsed.detail };
};
