import { type Proof } from '../proof.js';
import { createEffectsTable, effectsInTable } from './effects.js';
import { storeProof } from './store-proof.js';

// Message ids in the handler's own SQL transaction: id and effect commit together.

export const dedupSql: Proof = storeProof({
  name: 'dedup-sql',
  promise: 'exactly once',
  store: 'postgres',
  sendsTwice: true,
  application: 'guarded',
  environment: { PROOF_GUARANTEE: 'dedup-sql' },
  prepare: createEffectsTable,
  effects: effectsInTable,
});
