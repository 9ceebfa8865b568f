import type { OrderTerms } from '../order/events.ts';
import type { TradingWindow } from '../policy/policy.ts';
import type { Refusal } from '../refusal.ts';
import { isReading, sessionRefusal, sessionText, type SessionReading } from '../session/reading.ts';
import { isOpen, type Session } from '../session/session.ts';
import type { DecisionInputs } from './checks.ts';
import type { CheckCode, CheckResult } from './decision.ts';

const check = (code: CheckCode, passed: boolean, detail: string): CheckResult => ({ code, scope: 'firm', passed, detail });

const isWithin = (window: TradingWindow | undefined, timeMs: number | undefined): boolean => timeMs !== undefined && (window === undefined || isOpen({ name: 'policy', ...window }, timeMs));

const windowText = ({ open, close, time_zone: zone, days }: TradingWindow): string => `the policy trades from ${open} to ${close} ${zone} on ISO weekdays ${days.join(' ')}`;

/** The policy's own hours, which can only narrow the session's. TRADING_WINDOW_CLOSED; also when the clock cannot be read. */
export const windowRefusal = (window: TradingWindow | undefined, timeMs: number | undefined): Refusal | undefined =>
  window === undefined || isWithin(window, timeMs) ? undefined : { code: 'TRADING_WINDOW_CLOSED', detail: windowText(window) };

/** Before there were calendars one check was both: the session's hours and the policy's window. */
const hoursCheck = (terms: OrderTerms, session: Session | undefined, window: TradingWindow | undefined, timeMs: number | undefined): CheckResult => {
  const open = timeMs !== undefined && session !== undefined && isOpen(session, timeMs) && isWithin(window, timeMs);
  return check('TRADING_WINDOW_CLOSED', open, session ? `session ${session.name}` : `no session is known for ${terms.symbol}`);
};

const sessionCheck = (session: SessionReading, timeMs: number | undefined): CheckResult => {
  const refusal = sessionRefusal(session, timeMs);
  return check(refusal?.code === 'CALENDAR_HORIZON' ? refusal.code : 'SESSION_CLOSED', refusal === undefined, refusal?.detail ?? sessionText(session));
};

/** When the order may trade: what the gate said of its session, and the policy's window where there is one. */
export const tradingTimeChecks = (terms: OrderTerms, { policy, session, businessTimeMs }: DecisionInputs): readonly CheckResult[] => {
  const window = policy?.document.trading_window;
  if (session === undefined || !isReading(session)) return [hoursCheck(terms, session, window, businessTimeMs)];
  return [sessionCheck(session, businessTimeMs), ...(window ? [check('TRADING_WINDOW_CLOSED', isWithin(window, businessTimeMs), windowText(window))] : [])];
};
