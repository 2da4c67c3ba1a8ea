import { effectsInFile, outOfOrder } from './effects.js';
import { storeProof } from './store-proof.js';

// All records of a topic in their order: one partition, one consumer, and a load that makes more than 100,000 records
// of a hundred cycles. Each has its first effect behind all that were sent before it.

export const topicOrder = storeProof({
  name: 'topic-order',
  promise: 'at least once',
  sendsTwice: false,
  atOnce: 10,
  partitions: 1,
  application: 'guarded',
  environment: { PROOF_GUARANTEE: 'topic-order' },
  effects: effectsInFile,
  examine: outOfOrder(1),
});
