import { type Proof } from '../proof.js';
import { effectsInFile } from './effects.js';
import { storeProof } from './store-proof.js';

// Offsets in files, stored by policy.

export const offsetsFile: Proof = storeProof({
  name: 'offsets-file',
  promise: 'at least once',
  sendsTwice: false,
  application: 'guarded',
  environment: { PROOF_GUARANTEE: 'offsets-file' },
  effects: effectsInFile,
});
