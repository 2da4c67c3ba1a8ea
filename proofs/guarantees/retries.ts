import { type Proof } from '../proof.js';
import { effectsInFile, outOfOrder } from './effects.js';
import { type Guarantee } from './guarantee.js';
import { KEYS } from './load.js';
import { storeProof } from './store-proof.js';

// Retries by topics, in the order of keys, with Redis and in a table: every fifth message fails at first, and none is
// lost.

const common = {
  promise: 'at least once',
  sendsTwice: false,
  application: 'retried',
  // A message that was on its way to a retry topic at the kill comes twice, each time after its delay.
  inWorkMs: 15_000,
  effects: effectsInFile,
} as const satisfies Partial<Guarantee>;

/** What a process had taken that died is sent by another one when its lease of 150 s has run out. */
const LEASE_MS = 150_000;
const BEYOND_LEASE_MS = LEASE_MS + 50_000;

export const retryTopics: Proof = storeProof({
  ...common,
  name: 'retry-topics',
  environment: { PROOF_GUARANTEE: 'retry-topics' },
});

export const retryOrder: Proof = storeProof({
  ...common,
  name: 'retry-order',
  environment: { PROOF_GUARANTEE: 'retry-order' },
  examine: outOfOrder(KEYS),
});

export const retryRedis: Proof = storeProof({
  ...common,
  name: 'retry-redis',
  patienceMs: BEYOND_LEASE_MS,
  leaseMs: LEASE_MS,
  store: 'redis',
  environment: { PROOF_GUARANTEE: 'retry-redis' },
});

export const retrySql: Proof = storeProof({
  ...common,
  name: 'retry-sql',
  patienceMs: BEYOND_LEASE_MS,
  leaseMs: LEASE_MS,
  store: 'postgres',
  environment: { PROOF_GUARANTEE: 'retry-sql' },
});
