import { effectsInFile } from './effects.js';
import { type Guarantee } from './guarantee.js';

// Offsets in files, stored by policy.

export const offsetsFile: Guarantee = {
  name: 'offsets-file',
  promise: 'at least once',
  sendsTwice: false,
  application: 'guarded',
  environment: { PROOF_GUARANTEE: 'offsets-file' },
  effects: effectsInFile,
};
