import { describe, expect, it } from '@jest/globals';
import { killOrders } from '../../proofs/kill-orders.js';

// A short run of the proof; `npm run prove -- kill-orders` runs the long one.

const cycles = process.env.KAFKA_BOOTSTRAP_SERVERS === undefined ? 4 : 2;

describe('kill -9 of the orders sample', () => {
  it('loses no accepted order, keeps the order per customer and repeats only what was unfinished', async () => {
    const result = await killOrders.run({ cycles, seconds: 60, seed: 20, progress: () => undefined });
    expect({ ...result, figures: '' }).toEqual({ passed: true, figures: '', details: [] });
  }, 180_000);
});
