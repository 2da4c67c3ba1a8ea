import { effectsInFile } from './effects.js';
import { type Guarantee } from './guarantee.js';

// Offsets in Redis, stored by policy.

export const offsetsRedis: Guarantee = {
  name: 'offsets-redis',
  promise: 'at least once',
  store: 'redis',
  sendsTwice: false,
  application: 'guarded',
  environment: { PROOF_GUARANTEE: 'offsets-redis' },
  effects: effectsInFile,
};
