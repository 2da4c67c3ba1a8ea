import { type Proof } from '../proof.js';
import { effectsInFile } from './effects.js';
import { storeProof } from './store-proof.js';

// Offsets in Redis, stored by policy.

export const offsetsRedis: Proof = storeProof({
  name: 'offsets-redis',
  promise: 'at least once',
  store: 'redis',
  sendsTwice: false,
  application: 'guarded',
  environment: { PROOF_GUARANTEE: 'offsets-redis' },
  effects: effectsInFile,
});
