import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { type ClusterFacts } from '../../../src/cli/doctor/facts.js';
import { type Asked, gatherCluster } from '../../../src/cli/doctor/gather.js';
import { NestdawError } from '../../../src/common/errors.js';
import { type TopicDescription } from '../../../src/runtime/client/admin/topic-admin.js';

// What the doctor asks a cluster for, of one that is made up.

const folder = mkdtempSync(join(tmpdir(), 'nestdaw-gather-'));
afterAll(() => rmSync(folder, { recursive: true }));

const refused = () => Promise.reject(new NestdawError('KAFKA_PROTOCOL_ERROR', 'CLUSTER_AUTHORIZATION_FAILED'));

function topicNamed(name: string, leaders: readonly number[]): TopicDescription {
  const partitions = leaders.map((leader, partition) => ({ partition, leader, replicas: [1], isr: [1] }));
  return { name, isInternal: name.startsWith('__'), partitions };
}

function adminOf(topics: readonly TopicDescription[], more: Partial<Asked> = {}): Asked {
  return {
    describeCluster: () => Promise.resolve({ clusterId: 'id', nodes: [{ nodeId: 1, host: 'h', port: 1 }] }),
    listTopics: () => Promise.resolve(topics.map(({ name }) => name)),
    describeTopics: (...names) => {
      return Promise.resolve(new Map(topics.filter(({ name }) => names.includes(name)).map((one) => [one.name, one])));
    },
    describeConfigs: (...owners) => Promise.resolve(new Map(owners.map(({ name }) => [name, new Map()]))),
    configDocumentation: () => Promise.resolve(new Map([['replica.fetch.max.bytes', 'How much is fetched.']])),
    logDirs: () => Promise.resolve([]),
    offsetsAt: (partitions) => Promise.resolve(partitions.map((one) => ({ ...one, offset: 0 }))),
    ...more,
  };
}

async function gather(admin: Asked, topics?: readonly string[]): Promise<ClusterFacts> {
  const facts = await gatherCluster({ admin, servers: ['h:1'], ...(topics === undefined ? {} : { topics }) });
  if ('problem' in facts) throw new Error(facts.problem);
  return facts.value;
}

describe('the facts of a cluster', () => {
  it('are those of the topics asked for, else of all', async () => {
    const admin = adminOf([topicNamed('b', [1]), topicNamed('a', [1])]);
    const names = ({ topics, missingTopics }: ClusterFacts) => [topics.map(({ name }) => name), missingTopics];
    expect(names(await gather(admin))).toEqual([['a', 'b'], []]);
    expect(names(await gather(admin, ['b', 'c']))).toEqual([['b'], ['c']]);
  });

  it('count offsets from beginning to end, of partitions with a leader', async () => {
    const asked: string[] = [];
    const admin = adminOf([topicNamed('a', [1, -1, 1]), topicNamed('single', [1]), topicNamed('__own', [1, 1])], {
      offsetsAt: (partitions, moment) => {
        asked.push(...partitions.map(({ topic, partition }) => `${topic}-${partition} ${moment}`));
        return Promise.resolve(
          partitions.map((one) => ({ ...one, offset: moment === 'end' ? 30 : 10 + one.partition })),
        );
      },
    });
    const { topics } = await gather(admin);
    expect(asked).toEqual(['a-0 beginning', 'a-2 beginning', 'a-0 end', 'a-2 end']);
    expect(topics.find(({ name }) => name === 'a')!.lengths).toEqual({
      value: new Map([
        [0, 20],
        [2, 18],
      ]),
    });
  });

  it('ask for the configs of many topics in several requests, of which one may be refused', async () => {
    const sizes: number[] = [];
    const many = Array.from({ length: 450 }, (_, at) => topicNamed(`t${String(at).padStart(3, '0')}`, [1]));
    const admin = adminOf(many, {
      describeConfigs: (...owners) => {
        if (owners[0]?.kind === 'topic') sizes.push(owners.length);
        return owners[0]?.name === 't200'
          ? refused()
          : Promise.resolve(new Map(owners.map(({ name }) => [name, new Map()])));
      },
    });
    const { topics } = await gather(admin);
    expect(sizes).toEqual([200, 200, 50]);
    expect(topics[199]!.configs).toEqual({ value: new Map() });
    expect(topics[200]!.configs).toEqual({ problem: 'CLUSTER_AUTHORIZATION_FAILED' });
    expect(topics[400]!.configs).toEqual({ value: new Map() });
  });

  it('say which of them were refused, and go on with the others', async () => {
    const admin = adminOf([topicNamed('a', [1, 1])], {
      describeConfigs: refused,
      configDocumentation: refused,
      logDirs: refused,
      offsetsAt: refused,
    });
    const problem = { problem: 'CLUSTER_AUTHORIZATION_FAILED' };
    const { isOneNode, nodes, topics } = await gather(admin);
    expect({ isOneNode, nodes, topics }).toMatchObject({
      isOneNode: false,
      nodes: [{ configs: problem, folders: problem }],
      topics: [{ name: 'a', configs: problem, lengths: problem }],
    });
    const away = await gatherCluster({ admin: adminOf([], { describeCluster: refused }), servers: [] });
    expect(away).toEqual(problem);
  });

  it('do not hide an error of the program', async () => {
    const admin = adminOf([], { logDirs: () => Promise.reject(new TypeError('oops')) });
    await expect(gather(admin)).rejects.toThrow('oops');
  });

  it('tell one node on purpose from one of many that stands alone', async () => {
    const words = () =>
      Promise.resolve(new Map([['replica.fetch.max.bytes', 'Accepted for compatibility; no effect here.']]));
    const node = (nodeId: number) => ({ nodeId, host: 'h', port: nodeId });
    const of = async (more: Partial<Asked>) => (await gather(adminOf([], more))).isOneNode;
    expect(await of({ configDocumentation: words })).toBe(true);
    expect(await of({})).toBe(false);
    const nodes = { describeCluster: () => Promise.resolve({ clusterId: 'id', nodes: [node(1), node(2)] }) };
    expect(await of({ configDocumentation: words, ...nodes })).toBe(false);
  });

  it('hold the file system of a directory that is here and the cluster’s own', async () => {
    const dirs = { logDirs: () => Promise.resolve([{ path: folder, totalBytes: 2, usableBytes: 1 }]) };
    const found = async () => {
      const { folders } = (await gather(adminOf([], dirs))).nodes[0]!;
      return 'value' in folders ? folders.value[0]!.fileSystem : 'refused';
    };
    expect(await found()).toBeUndefined();
    writeFileSync(join(folder, 'meta.properties'), 'version=1\ncluster.id=other\nnode.id=1\n');
    expect(await found()).toBeUndefined();
    writeFileSync(join(folder, 'meta.properties'), 'version=1\ncluster.id=id\nnode.id=1\n');
    expect(await found()).toBe(process.platform === 'linux' ? statfsSync(folder).type : undefined);
  });
});
