import { type Proof } from '../proof.js';
import { effectsInFile } from './effects.js';
import { storeProof } from './store-proof.js';

// Records taken into a local file before they are handled: none is lost, and only what was in work happens again.

export const inbox: Proof = storeProof({
  name: 'inbox',
  promise: 'at least once',
  sendsTwice: false,
  application: 'guarded',
  environment: { PROOF_GUARANTEE: 'inbox' },
  effects: effectsInFile,
});
