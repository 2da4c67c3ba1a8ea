import { type Row } from '../row.js';

// Rows without a peer: what something may cost stands beside what it does.

export interface Allowance {
  readonly name: string;
  readonly unit: string;
  readonly allowed: number;
  readonly settings: string;
  readonly measure: () => Promise<number>;
}

export function allowance({ name, unit, allowed, settings, measure }: Allowance): Row {
  return {
    name,
    unit,
    better: 'lower',
    peerName: 'what is allowed',
    goal: 1,
    settings,
    prepare: () =>
      Promise.resolve({ ours: measure, peer: () => Promise.resolve(allowed), close: () => Promise.resolve() }),
  };
}
