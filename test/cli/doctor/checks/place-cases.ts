import { expect } from '@jest/globals';
import { nodeOf, onCluster } from '../../../support/doctor-facts.js';
import { type CheckCases, isNotKnown, isNotUsed, ONE_NODE, passes, risks, topic, withTopics } from './check-case.js';

const TMPFS = 0x0102_1994;
export const PLACE_CASES: CheckCases = {
  'data-folder': [
    passes('it is on a disk', ONE_NODE, {
      subject: { kind: 'node', name: '1' },
      value: '/data/1',
      says: 'one copy: back up this directory; on a disk of this machine',
    }),
    risks('it is in memory', onCluster({ isOneNode: true, nodes: [nodeOf(1, {}, TMPFS)] }), {
      value: '/data/1',
      says: 'one copy: back up this directory; tmpfs, in memory: gone with the next restart of the machine',
    }),
    risks('it is over a network', onCluster({ nodes: [nodeOf(1, {}, 0x6969)] }), {
      says: 'NFS, over a network, or through a program: locks, fsync and speed are not those of a disk',
    }),
    risks('it is over a network, and the number has its sign', onCluster({ nodes: [nodeOf(1, {}, 0xff53_4d42 | 0)] }), {
      says: expect.stringContaining('CIFS') as never,
    }),
    isNotKnown('it is on another machine', onCluster({ nodes: [nodeOf(1, {}, null)] }), {
      value: '/data/1',
      says: 'what it lies on is not seen from here',
    }),
  ],
  'partition-share': [
    passes('keys are spread', withTopics({ lengths: [500, 300, 200] }), {
      says: 'partition 0 has 50 % of 1000 offsets',
    }),
    risks('one partition has more than half', withTopics({ lengths: [200, 510, 290] }), {
      subject: topic('orders'),
      says: 'partition 1 has 51 % of 1000 offsets',
    }),
    passes('one of two has more than half', withTopics({ lengths: [740, 260] }), {
      says: 'partition 0 has 74 % of 1000 offsets',
    }),
    risks('one of two has nearly all', withTopics({ lengths: [760, 240] }), {
      says: 'partition 0 has 76 % of 1000 offsets',
    }),
    passes('there is little', withTopics({ lengths: [999, 0, 0] }), { says: '999 offsets: too few to tell' }),
    isNotUsed('there is one partition', withTopics({ lengths: [5_000] }), { says: 'no topic with several partitions' }),
  ],
};
