import { type Proof } from '../proof.js';
import { effectsInFile } from './effects.js';
import { storeProof } from './store-proof.js';

// Message ids claimed in Redis: sent twice, handled once; a kill between effect and note lets it happen again.

export const dedupRedis: Proof = storeProof({
  name: 'dedup-redis',
  promise: 'at least once',
  store: 'redis',
  sendsTwice: true,
  application: 'guarded',
  environment: { PROOF_GUARANTEE: 'dedup-redis' },
  effects: effectsInFile,
});
