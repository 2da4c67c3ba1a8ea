import { type Proof } from '../proof.js';
import { effectsInFile } from './effects.js';
import { storeProof } from './store-proof.js';

// Message ids in a compacted topic: sent twice, handled once; a kill between effect and note lets it happen again.

export const dedupTopic: Proof = storeProof({
  name: 'dedup-topic',
  promise: 'at least once',
  sendsTwice: true,
  application: 'guarded',
  environment: { PROOF_GUARANTEE: 'dedup-topic' },
  effects: effectsInFile,
});
