import { describe, expect, it } from '@jest/globals';
import { producerSettings } from '../../../../src/runtime/client/producer/producer-options.js';

describe('producer settings', () => {
  it("are the Java client's when nothing is said", () => {
    expect(producerSettings({})).toMatchObject({
      acks: -1,
      enableIdempotence: true,
      batchSize: 16_384,
      lingerMs: 5,
      bufferMemory: 33_554_432,
      deliveryTimeoutMs: 120_000,
      maxInFlightRequestsPerConnection: 5,
      maxRequestSize: 1_048_576,
    });
  });

  it('give idempotence up where other settings rule it out, unless it was asked for', () => {
    expect(producerSettings({ acks: 1 }).enableIdempotence).toBe(false);
    expect(producerSettings({ maxInFlightRequestsPerConnection: 6 }).enableIdempotence).toBe(false);
    expect(() => producerSettings({ acks: 1, retries: 0, enableIdempotence: true })).toThrow(
      expect.objectContaining({
        code: 'KAFKA_CONFIG_INVALID',
        message: expect.stringMatching(/needs acks=all, not 1; .*needs retries above 0/),
      }),
    );
  });

  it('name every value out of range', () => {
    expect(() => producerSettings({ lingerMs: -1, bufferMemory: Number.NaN, deliveryTimeoutMs: 10 })).toThrow(
      /linger\.ms must be 0 or more, not -1; buffer\.memory must be 0 or more, not NaN; delivery\.timeout\.ms \(10\)/,
    );
  });

  it('take an explicit undefined for nothing said', () => {
    expect(producerSettings({ batchSize: undefined } as object).batchSize).toBe(16_384);
  });
});
