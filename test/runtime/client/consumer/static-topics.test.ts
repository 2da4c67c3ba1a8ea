import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Broker } from '../../../../src/broker/broker.js';
import { silentLogger } from '../../../../src/common/logger.js';
import { partitionName } from '../../../../src/common/topic-partition.js';
import { until } from '../../../../src/testing/until.js';
import { createTopic } from '../../../support/client-broker.js';
import { Reader, SESSION_MS } from '../../../support/group-reader.js';

// A static member whose process comes back with other topics: the group hands the old assignment on, without a
// rebalance (KIP-345), and knows nothing of what the member wants now.

const APACHE = process.env.KAFKA_BOOTSTRAP_SERVERS?.split(',')[0];

describe.each(['range', 'cooperative-sticky'])('a static member with %s that comes back with other topics', (name) => {
  let broker: Broker | undefined;
  let address: string;
  let groupId: string;
  const readers: Reader[] = [];

  beforeEach(async () => {
    const config = { 'group.initial.rebalance.delay.ms': '0', 'group.min.session.timeout.ms': '100' };
    broker = APACHE ? undefined : await Broker.start({ port: 0, config });
    address = APACHE ?? broker!.bootstrapServers;
    groupId = `static-topics-${process.pid}-${process.hrtime.bigint()}`;
  });

  afterEach(async () => {
    for (const reader of readers.splice(0)) await reader.stop();
    await broker?.stop();
  });

  function start(groupInstanceId: string, topics: readonly string[]): Promise<Reader> {
    const options = {
      groupId,
      topics,
      groupInstanceId,
      sessionTimeoutMs: SESSION_MS * 20,
      heartbeatIntervalMs: SESSION_MS / 9,
      partitionAssignmentStrategy: [name],
      logger: silentLogger,
    };
    readers.push(new Reader(address, options));
    return readers.at(-1)!.start();
  }

  const owned = (reader: Reader): string => reader.consumer.assignment().map(partitionName).sort().join();

  it.each(['the leader', 'another'])('reads these when it is %s', async (who) => {
    const [before, now, others] = await Promise.all([1, 2, 1].map((count) => createTopic(address, count)));
    if (who === 'another') await start('other', [others!]);
    await (await start('one', [before!])).stop(); // it is expected back
    const successor = await start('one', [now!]);
    const all = [0, 1].map((partition) => partitionName({ topic: now!, partition })).join();
    await until(() => owned(successor) === all, { what: 'the new topic', timeoutMs: 20_000 });
    expect(successor.log.filter((line) => line.startsWith('assigned'))).toEqual(['assigned 2 kept 0']);
  });

  it('reads one more', async () => {
    const [first, second] = await Promise.all([createTopic(address, 1), createTopic(address, 1)]);
    await (await start('one', [first])).stop();
    const successor = await start('one', [first, second]);
    const all = [first, second].map((topic) => partitionName({ topic, partition: 0 })).sort();
    await until(() => owned(successor) === all.join(), { what: 'both topics', timeoutMs: 20_000 });
    expect(successor.log.filter((line) => line.startsWith('assigned'))).toEqual(['assigned 2 kept 0']);
  });

  it('is not disturbed when they are the same', async () => {
    const topic = await createTopic(address, 1);
    await (await start('one', [topic])).stop();
    const successor = await start('one', [topic]);
    const joined = successor.events.flatMap((event) => (event.type === 'joined' ? event.generationId : []));
    expect(joined).toEqual([1]);
  });
});
