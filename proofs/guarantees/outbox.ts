import { type Proof } from '../proof.js';
import { createEffectsTable, effectsInTable } from './effects.js';
import { storeProof } from './store-proof.js';

// From a topic through a handler's SQL transaction and the outbox to another topic, and from there into a row: what
// the relay sends twice is known by its message id.

export const outbox: Proof = storeProof({
  name: 'outbox',
  promise: 'exactly once',
  store: 'postgres',
  sendsTwice: true,
  application: 'outboxed',
  prepare: createEffectsTable,
  effects: effectsInTable,
});
