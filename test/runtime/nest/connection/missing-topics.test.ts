import { expect, it } from '@jest/globals';
import { type Cluster } from '../../../../src/runtime/client/cluster/cluster.js';
import { TopicCheck } from '../../../../src/runtime/nest/connection/missing-topics.js';
import { endpointOf } from '../../../support/listener-harness.js';

it('asks once for listeners that start with the application, and again at each later start', async () => {
  const asked: string[] = [];
  let closed = 0;
  const cluster = {
    connect: () => Promise.resolve(),
    partitionsOf: (topic: string) => {
      asked.push(topic);
      return Promise.resolve(topic === 'gone' ? undefined : []);
    },
    close: () => Promise.resolve(void closed++),
  } as unknown as Cluster;
  const check = new TopicCheck(() => cluster, 'kafka.audit');
  const one = endpointOf({ id: 'one', topics: ['a'], missingTopicsFatal: true });
  const both = endpointOf({ id: 'both', topics: ['a', 'gone'], missingTopicsFatal: true });
  const gentle = endpointOf({ id: 'gentle', topics: ['gone'] });
  await check.all([one, gentle]);
  await check.atStart(one);
  await check.atStart(gentle);
  expect(asked).toEqual(['a']);
  await check.atStart(one);
  expect(asked).toEqual(['a', 'a']);
  await expect(check.all([one, both])).rejects.toThrow(
    /gone \(both\); create .* set kafka\.audit\.listener\.missing-topics-fatal=false/,
  );
  await check.atStart(one);
  expect([asked.slice(2), closed]).toEqual([['a', 'gone', 'a'], 4]);
});
