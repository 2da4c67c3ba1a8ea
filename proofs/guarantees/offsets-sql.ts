import { type Proof } from '../proof.js';
import { createEffectsTable, effectsInTable } from './effects.js';
import { storeProof } from './store-proof.js';

// Offsets in the handler's own SQL transaction: result and position commit together.

export const offsetsSql: Proof = storeProof({
  name: 'offsets-sql',
  promise: 'exactly once',
  store: 'postgres',
  sendsTwice: false,
  application: 'guarded',
  environment: { PROOF_GUARANTEE: 'offsets-sql' },
  prepare: createEffectsTable,
  effects: effectsInTable,
});
