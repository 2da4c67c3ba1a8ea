import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

// What looks after clusters: versions, features, quorum, leaders, log directories, reassignments.

export const tool = (name, words, more = {}) => ({
  name: `${name.replace(/Command$|Tool$/, '')} ${words}`,
  tool: `org.apache.kafka.tools.${name}`,
  args: (servers) => ['--bootstrap-server', servers, ...words.split(' ').filter(Boolean)],
  ...more,
});
const fails = { errorKind: true };
export const reassign = (words, content, more = {}) =>
  tool('reassign.ReassignPartitionsCommand', words, {
    before: (place) =>
      writeFileSync(
        join(place.folder, 'moves.json'),
        JSON.stringify(typeof content === 'function' ? content(place) : (content ?? {})),
      ),
    args: (servers, { folder }) => [
      ...['--bootstrap-server', servers, ...words.split(' ').filter(Boolean)],
      ...(content ? [words.includes('--generate') ? '--topics-to-move-json-file' : '--reassignment-json-file'] : []),
      ...(content ? [join(folder ?? '', 'moves.json')] : []),
    ],
    sort: true,
    ...more,
  });
const moves = (replicas) => ({ version: 1, partitions: [{ topic: 'orders', partition: 0, replicas }] });

// Served later, or never by one node: encryption and access, telemetry, the newer group protocols, raft voters.
const NOT_SERVED =
  /^(SaslHandshake|SaslAuthenticate|\w*Acls|\w*DelegationToken|\w*ClientQuotas|\w*UserScramCredentials|\w*Telemetry\w*|ConsumerGroup\w+|Share\w+|\w*ShareGroup\w*|Streams\w+|\w*RaftVoter)\(/;

export const admin = [
  tool('BrokerApiVersionsCommand', '', {
    name: 'api-versions',
    hide: [
      [/^BROKER \(id: 1 .*/, 'BROKER'],
      [/,$/, ''],
      [NOT_SERVED, 'NOT_SERVED('],
    ],
    keep: /^(?!NOT_SERVED)/,
    sort: true,
  }),
  tool('FeatureCommand', 'describe', {
    keep: /metadata\.version|^exit/,
    hide: [[/FinalizedVersionLevel: \S+ Epoch: \d+/, 'LEVEL']],
  }),
  tool('FeatureCommand', 'upgrade --feature no.such.feature=1', { keep: /^exit/ }),
  tool('FeatureCommand', 'upgrade --metadata 9.9', { ...fails }),
  tool('FeatureCommand', 'downgrade --feature metadata.version=7', { keep: /^exit/ }),
  tool('ClusterTool', 'cluster-id', {
    args: (servers) => ['cluster-id', '--bootstrap-server', servers],
    hide: [[/ID: .*/, 'ID']],
  }),
  tool('ClusterTool', 'list-endpoints', {
    args: (servers) => ['list-endpoints', '--bootstrap-server', servers],
    hide: [[/\d{4,5}/, 'PORT']],
  }),
  tool('ClusterTool', 'unregister --id 77', {
    args: (servers) => ['unregister', '--bootstrap-server', servers, '--id', '77'],
    ...fails,
  }),
  tool('MetadataQuorumCommand', 'describe --status', {
    hide: [[/^(ClusterId|LeaderEpoch|HighWatermark|CurrentVoters|MaxFollowerLagTimeMs|MaxFollowerLag):.*/, '$1']],
  }),
  tool('MetadataQuorumCommand', 'describe --replication', { hide: [[/^1 \S+ \d+ 0 \d+ \d+ Leader/, '1 Leader']] }),
  tool('LeaderElectionCommand', '--election-type preferred --all-topic-partitions'),
  tool('LeaderElectionCommand', '--election-type preferred --topic orders --partition 0'),
  tool('LeaderElectionCommand', '--election-type unclean --topic orders --partition 1'),
  tool('LeaderElectionCommand', '--election-type preferred --topic nowhere --partition 0', fails),
  tool('LogDirsCommand', '--describe --topic-list orders,kept', {
    hide: [
      [/"size":\d+/g, '"size":N'],
      [/"(total|usable)Bytes":\d+/g, '"$1Bytes":N'],
    ],
    // The order of partitions in it is chance.
    keep: /^(exit|Querying|Received)/,
  }),
  tool('LogDirsCommand', '--describe --topic-list nowhere', { hide: [[/"(total|usable)Bytes":\d+/g, '"$1Bytes":N']] }),
  tool('LogDirsCommand', '--describe --broker-list 1 --topic-list plain', {
    hide: [
      [/"size":\d+/g, '"size":N'],
      [/"(total|usable)Bytes":\d+/g, '"$1Bytes":N'],
    ],
  }),
  reassign('--list'),
  reassign('--execute', moves([1])),
  reassign('--verify', moves([1])),
  reassign('--cancel', moves([1])),
  reassign('--execute', moves([2]), fails),
  reassign('--generate --broker-list 1', { version: 1, topics: [{ topic: 'orders' }] }),
];
