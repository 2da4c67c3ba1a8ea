import { type Check } from '../check.js';
import { type ClusterFacts, type TopicFacts } from '../facts.js';
import { type Finding } from '../finding.js';
import { topicSubject, untold } from '../subjects.js';
import { leastConfig, numberIn, toldConfig } from '../told-settings.js';

// Whether a node may die: copies of each topic on a cluster. One node on purpose has one copy, and these keys no
// effect.

const MIN_COPIES = 3;
const MIN_INSYNC = 'min.insync.replicas';
const UNCLEAN = 'unclean.leader.election.enable';

export const UNCLEAN_ELECTION: Check = {
  id: 'unclean-election',
  area: 'loss',
  asks: 'cluster',
  question: 'Does only a copy that has everything become leader?',
  why: 'A copy that is behind and leads all the same cuts off what the others had acknowledged.',
  fix: `Set ${UNCLEAN}=false for the topic (kafka-configs.sh --alter --entity-type topics).`,
  evaluate: onCluster('there is nobody else to elect', ({ topics }) =>
    topics.map((topic) => {
      const told = toldConfig(topic.configs, UNCLEAN);
      if (told === undefined) return untold(topic, UNCLEAN);
      const isOn = told.value === 'true';
      const says = isOn
        ? 'acknowledged records are lost when all in-sync copies are down'
        : 'waits for a copy that has everything';
      return { verdict: isOn ? 'fail' : 'pass', subject: topicSubject(topic), ...told, says };
    }),
  ),
};

export const REPLICATION_FACTOR: Check = {
  id: 'replication-factor',
  area: 'loss',
  asks: 'cluster',
  question: 'Are there three copies of every topic?',
  why: 'With fewer, one disk that dies while another node is down for an update takes records with it.',
  fix: 'Give the topic three replicas (kafka-reassign-partitions.sh), and declare NewTopic with replicas: 3.',
  evaluate: (cluster) =>
    cluster.isOneNode ? oneCopy(cluster) : [...cluster.topics.map(copiesOf), ...laterCopies(cluster)],
};

export const MIN_INSYNC_REPLICAS: Check = {
  id: 'min-insync',
  area: 'loss',
  asks: 'cluster',
  question: 'Does acks=all mean more than one copy?',
  why: 'With min.insync.replicas=1, its default, all in-sync copies may be one: that of a leader about to die.',
  fix: `Set ${MIN_INSYNC}=2 for the topic (kafka-configs.sh --alter --entity-type topics).`,
  evaluate: onCluster('one copy is all there is', ({ topics }) =>
    ofUsers(topics).map((topic) => {
      const told = toldConfig(topic.configs, MIN_INSYNC);
      if (told === undefined) return untold(topic, MIN_INSYNC);
      const isAlone = Number(told.value) < 2;
      const says = isAlone
        ? 'the leader alone is enough for an acknowledgment'
        : `${told.value} copies for each acknowledgment`;
      return { verdict: isAlone ? 'fail' : 'pass', subject: topicSubject(topic), ...told, says };
    }),
  ),
};

export const SPARE_COPY: Check = {
  id: 'spare-copy',
  area: 'loss',
  asks: 'cluster',
  question: 'May one copy fail without sends coming to a stop?',
  why: 'Where as many copies are asked for as there are, the first restart of a node stops the partition.',
  fix: `Let the replication factor be ${MIN_INSYNC} + 1: three copies, two in sync.`,
  evaluate: onCluster('one copy is all there is', ({ topics }) =>
    ofUsers(topics).map((topic) => {
      const least = numberIn(topic.configs, MIN_INSYNC);
      if (least === undefined) return untold(topic, MIN_INSYNC);
      const factor = factorOf(topic);
      const told = {
        subject: topicSubject(topic),
        key: 'replication.factor',
        value: String(factor),
        origin: 'the topic',
      };
      const beside = `${MIN_INSYNC}=${least}`;
      if (factor > least) return { verdict: 'pass', ...told, says: `more than ${beside}` };
      const says =
        factor === least
          ? `equal to ${beside}: one failure stops it`
          : `less than ${beside}: there are not so many copies`;
      return { verdict: 'fail', ...told, says };
    }),
  ),
};

const IN_SYNC: Check = {
  id: 'in-sync',
  area: 'cluster',
  asks: 'cluster',
  question: 'Has every partition its leader and its copies, now?',
  why: 'A partition without a leader takes and gives nothing; a copy that is behind is no copy when the leader dies.',
  fix: 'Look after the nodes that are down or behind (kafka-topics.sh --describe --under-replicated-partitions).',
  evaluate: ({ topics }) => topics.map(inSyncOf),
};

export const COPY_CHECKS: readonly Check[] = [IN_SYNC];

function onCluster(
  oneNode: string,
  evaluate: (cluster: ClusterFacts) => readonly Finding[],
): (cluster: ClusterFacts) => readonly Finding[] {
  return (cluster) => (cluster.isOneNode ? [{ verdict: 'not on one node', says: oneNode }] : evaluate(cluster));
}

function copiesOf(topic: TopicFacts): Finding {
  const factor = factorOf(topic);
  const about = { subject: topicSubject(topic), key: 'replication.factor', value: String(factor), origin: 'the topic' };
  if (factor >= MIN_COPIES) return { verdict: 'pass', ...about, says: 'two nodes may fail' };
  return { verdict: 'fail', ...about, says: factor === 1 ? 'lost with its only disk' : 'lost with two disks' };
}

/** Topics that are made without saying how many copies. */
function laterCopies({ nodes }: ClusterFacts): Finding[] {
  const key = 'default.replication.factor';
  const least = leastConfig(nodes, key);
  if (least === undefined || Number(least.value) >= MIN_COPIES) return [];
  const says = 'so many copies has a topic that is made from now on without a number of its own';
  const fix = `Set ${key}=3 in server.properties of the brokers.`;
  return [{ verdict: 'risk', ...least, says, fix }];
}

function oneCopy({ nodes }: ClusterFacts): Finding[] {
  const paths = nodes.flatMap(({ folders }) => ('value' in folders ? folders.value.map(({ path }) => path) : []));
  const what = paths.length > 1 ? 'these directories' : 'this directory';
  return [
    { verdict: 'not on one node', says: `one copy: back up ${what}${paths.length > 0 ? ` ${paths.join(', ')}` : ''}` },
  ];
}

function inSyncOf(topic: TopicFacts): Finding {
  const least = numberIn(topic.configs, MIN_INSYNC) ?? 1;
  const subject = topicSubject(topic);
  const leaderless = topic.partitions.filter(({ leader }) => leader < 0);
  if (leaderless.length > 0) return { verdict: 'fail', subject, says: `no leader: ${numbersOf(leaderless)}` };
  const behind = topic.partitions.filter(({ replicas, isr }) => isr.length < replicas.length);
  if (behind.length === 0) return { verdict: 'pass', subject, says: 'all copies are in sync' };
  // Kafka asks for no more copies than there are.
  const stopped = behind.filter(({ replicas, isr }) => isr.length < Math.min(least, replicas.length));
  if (stopped.length > 0) {
    return {
      verdict: 'fail',
      subject,
      says: `fewer in sync than ${MIN_INSYNC}=${least}, acks=all is refused: ${numbersOf(stopped)}`,
    };
  }
  return { verdict: 'risk', subject, says: `copies are behind or down: ${numbersOf(behind)}` };
}

function numbersOf(partitions: TopicFacts['partitions']): string {
  const numbers = partitions.slice(0, 10).map(({ partition }) => partition);
  const more = partitions.length - numbers.length;
  return `partition${partitions.length === 1 ? '' : 's'} ${numbers.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** The least among its partitions. */
function factorOf({ partitions }: TopicFacts): number {
  return Math.min(...partitions.map(({ replicas }) => replicas.length));
}

/** Kafka's own topics have numbers of their own. */
function ofUsers(topics: readonly TopicFacts[]): readonly TopicFacts[] {
  return topics.filter(({ isInternal }) => !isInternal);
}
