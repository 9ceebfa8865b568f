import { parseDecimal, ZERO } from '@tallystick/domain';
import { z } from 'zod';

/** Members of strategies' parameters. Amounts are decimal strings, as everywhere on the wire. */
export const amount = z.string().refine((text) => parseDecimal(text)?.gte(ZERO) ?? false, 'a decimal string, zero or more');
export const positive = z.string().refine((text) => parseDecimal(text)?.gt(ZERO) ?? false, 'a decimal string above zero');
/** A part of one: `0.25` is a quarter. */
export const share = amount.refine((text) => parseDecimal(text)?.lte('1') ?? false, 'at most 1');
export const symbols = z.array(z.string().min(1).max(32)).min(1).max(50);
/** One business day, ms. */
const DAY_MS = 86_400_000;
export const durationMs = z.int().min(1).max(DAY_MS);
export const interval = z.string().regex(/^[1-9]\d{0,3}[smh]$/, 'like 30s, 1m or 2h');
