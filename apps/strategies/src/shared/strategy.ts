import type { StrategyDefinition } from '@tallystick/sdk';

/** What a strategy is to the process that runs it. */
export type Strategy = Pick<StrategyDefinition, 'every' | 'onTurn'>;
