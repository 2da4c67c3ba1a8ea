import { createEffectsTable, effectsInTable } from './effects.js';
import { type Guarantee } from './guarantee.js';

// Offsets in the handler's own SQL transaction: result and position commit together.

export const offsetsSql: Guarantee = {
  name: 'offsets-sql',
  promise: 'exactly once',
  store: 'postgres',
  sendsTwice: false,
  application: 'guarded',
  environment: { PROOF_GUARANTEE: 'offsets-sql' },
  prepare: createEffectsTable,
  effects: effectsInTable,
};
