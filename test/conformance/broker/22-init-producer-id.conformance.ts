import { describe, expect, it } from '@jest/globals';
import { InitProducerId } from '../../../src/protocol/messages/index.js';
import { conformance } from './harness/world.js';

const world = conformance();

describe('InitProducerId', () => {
  it.each([0, 1, 2, 3, 4, 5])('v%i gives a new id with epoch 0', async (version) => {
    await world.producerId();
    const request = { transactionalId: null, transactionTimeoutMs: 60_000 };
    const first = await world.send(InitProducerId, version, request);
    const second = await world.send(InitProducerId, version, request);
    expect([first.errorCode, first.producerEpoch, second.errorCode, second.producerEpoch]).toEqual([0, 0, 0, 0]);
    expect(first.producerId >= 0n).toBe(true);
    expect(second.producerId).not.toBe(first.producerId);
  });

  it('gives no id twice to those who ask at once', async () => {
    await world.producerId();
    const clients = await Promise.all([0, 1, 2].map(() => world.connect()));
    const answers = await Promise.all(
      clients.flatMap((client) =>
        [0, 1, 2, 3].map(() => client.send(InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: 1 })),
      ),
    );
    expect(new Set(answers.map(({ producerId }) => producerId)).size).toBe(12);
  });

  it.each([
    [5n, -1],
    [-1n, 3],
  ])('refuses producer id %s with epoch %i', async (producerId, producerEpoch) => {
    await world.producerId();
    const request = { transactionalId: null, transactionTimeoutMs: 1000, producerId, producerEpoch };
    expect((await world.send(InitProducerId, 4, request)).errorCode).toBe(42);
  });

  it('refuses an empty transactional id', async () => {
    const answer = await world.send(InitProducerId, 4, { transactionalId: '', transactionTimeoutMs: 1000 });
    expect(answer).toMatchObject({ errorCode: 42, producerId: -1n });
  });
});
