import { effectsInFile } from './effects.js';
import { type Guarantee } from './guarantee.js';

// Message ids claimed in Redis: sent twice, handled once; a kill between effect and note lets it happen again.

export const dedupRedis: Guarantee = {
  name: 'dedup-redis',
  promise: 'at least once',
  store: 'redis',
  sendsTwice: true,
  application: 'guarded',
  environment: { PROOF_GUARANTEE: 'dedup-redis' },
  effects: effectsInFile,
};
