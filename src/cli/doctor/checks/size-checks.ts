import { type Check } from '../check.js';
import { type ClusterFacts, type Facts, type ProducerFacts, type TopicFacts } from '../facts.js';
import { type Finding } from '../finding.js';
import { nodeSubject, topicSubject, untold } from '../subjects.js';
import {
  leastConfig,
  numberIn,
  ofProducers,
  settingText,
  type ToldSetting,
  toldConfig,
  toldOfProducer,
  toldSetting,
} from '../told-settings.js';

// The chain of sizes that a large record passes: producer, request, topic, copies, consumers.

/** What a batch's size counts beyond what is fetched of it: Kafka's default of the one is that much above the other. */
const OVERHEAD = 12;

const REQUEST = 'producer.properties.max.request.size';
const FETCHES = ['consumer.properties.max.partition.fetch.bytes', 'consumer.properties.fetch.max.bytes'] as const;
const OF_TOPIC = 'max.message.bytes';
const OF_COPIES = 'replica.fetch.max.bytes';
const OF_BROKER = 'message.max.bytes';
const OF_SOCKET = 'socket.request.max.bytes';
const OF_ANSWER = 'fetch.max.bytes';

export const SIZES: Check = {
  id: 'sizes',
  area: 'sizes',
  asks: 'cluster',
  question: 'Does what a producer may send fit all the way to the consumers?',
  why: 'The largest record meets each limit in turn: one refuses it, the others slow everything behind it down.',
  fix: `Raise what is too small, from the consumers back to the producer: ${OF_ANSWER}, max.partition.fetch.bytes, ${OF_COPIES}, ${OF_TOPIC}, max.request.size.`,
  evaluate: (cluster, facts) => [
    ...ofProducers(facts, (producer) => requestOf(facts, producer, cluster)),
    ...laterTopics(cluster, facts),
    ...cluster.topics.filter(({ isInternal }) => !isInternal).flatMap((topic) => topicSizes(topic, cluster, facts)),
    ...cluster.nodes.flatMap((node) => nodeSizes(node, cluster)),
    ...FETCHES.map((name): Finding => {
      return { verdict: 'pass', ...toldSetting(facts.properties, name), says: 'what a consumer asks for' };
    }),
  ],
};

/** The first link: whether brokers read such a request at all. */
function requestOf(facts: Facts, producer: ProducerFacts, { nodes }: ClusterFacts): Finding {
  const about = toldOfProducer(facts, producer, REQUEST);
  const refusing = nodes.find(
    ({ configs }) => (numberIn(configs, OF_SOCKET) ?? Number.POSITIVE_INFINITY) < producer.settings.maxRequestSize,
  );
  if (refusing === undefined)
    return { verdict: 'pass', ...about, says: 'the largest record, and request, that is sent' };
  const limit = settingText(toldConfig(refusing.configs, OF_SOCKET)!);
  return {
    verdict: 'fail',
    ...about,
    says: `more than ${limit} of node ${refusing.nodeId}, which closes the connection`,
  };
}

function nodeSizes({ nodeId, configs }: ClusterFacts['nodes'][number], { isOneNode }: ClusterFacts): Finding[] {
  const subject = nodeSubject({ nodeId });
  const copies = toldConfig(configs, OF_COPIES);
  if (copies === undefined) {
    return [{ verdict: 'not known', subject, says: 'problem' in configs ? configs.problem : 'its sizes are not told' }];
  }
  const told = [OF_BROKER, OF_SOCKET, OF_ANSWER].flatMap((key) => toldConfig(configs, key) ?? []);
  return [
    ...told.map((one): Finding => ({ verdict: 'pass', subject, ...one, says: MEANINGS[one.key]! })),
    isOneNode
      ? { verdict: 'not on one node', subject, ...copies, says: 'no copies to fetch' }
      : { verdict: 'pass', subject, ...copies, says: 'what a copy fetches at once' },
  ];
}

const MEANINGS: Readonly<Record<string, string>> = {
  [OF_BROKER]: 'the largest batch of topics that do not say',
  [OF_SOCKET]: 'the largest request that is read',
  [OF_ANSWER]: 'the largest answer to a fetch',
};

/** Topics that are made from now on take what the brokers say. */
function laterTopics({ nodes }: ClusterFacts, facts: Facts): Finding[] {
  const least = leastConfig(nodes, OF_BROKER);
  if (least === undefined) return [];
  return tooLarge(facts, Number(least.value)).map(({ limit }): Finding => {
    const says = `less than ${limit}: topics that do not say otherwise refuse what is larger`;
    return { verdict: 'risk', ...least, says, fix: 'Declare NewTopic with max.message.bytes.' };
  });
}

function topicSizes(topic: TopicFacts, cluster: ClusterFacts, facts: Facts): Finding[] {
  const subject = topicSubject(topic);
  const told = toldConfig(topic.configs, OF_TOPIC);
  if (told === undefined) return [untold(topic, OF_TOPIC)];
  const takes = Number(told.value);
  const found = [
    ...tooLarge(facts, takes).map(({ limit, compresses }): Finding => {
      const says = compresses
        ? `less than ${limit}: refuses what is larger after compression`
        : `less than ${limit}: refuses what is larger`;
      return { verdict: compresses ? 'risk' : 'fail', subject, ...told, says };
    }),
    ...smallFetches(takes, cluster, facts).map(({ by, limit }): Finding => {
      return { verdict: 'risk', subject, ...told, says: `more than ${limit}: ${by} one large batch at a time` };
    }),
  ];
  return found.length > 0 ? found : [{ verdict: 'pass', subject, ...told, says: 'fits' }];
}

/** Settings of producers that send more than that. */
function tooLarge(facts: Facts, limit: number) {
  const found = facts.producers
    .filter(({ settings }) => settings.maxRequestSize > limit)
    .map((producer) => ({
      limit: settingText(toldOfProducer(facts, producer, REQUEST)),
      compresses: producer.settings.compressionType !== 'none',
    }));
  // Several producers may share one line.
  return [...new Map(found.map((one) => [`${one.limit} ${one.compresses}`, one])).values()];
}

/** Fetches that are smaller than one batch of the topic. Kafka then answers with that batch alone (KIP-74). */
function smallFetches(takes: number, { nodes, isOneNode }: ClusterFacts, { properties }: Facts) {
  const needed = takes - OVERHEAD;
  const found: Array<{ readonly by: string; readonly limit: string }> = [];
  const look = (by: string, told: ToldSetting | undefined, limit: number | undefined, where = ''): void => {
    if (told !== undefined && limit !== undefined && limit < needed)
      found.push({ by, limit: `${settingText(told)}${where}` });
  };
  for (const name of FETCHES) look('consumers get', toldSetting(properties, name), properties.get(name));
  for (const key of isOneNode ? [OF_ANSWER] : [OF_COPIES, OF_ANSWER]) {
    const node = nodes.find(({ configs }) => (numberIn(configs, key) ?? needed) < needed);
    if (node === undefined) continue;
    const by = key === OF_COPIES ? 'copies fetch' : 'consumers get';
    look(by, toldConfig(node.configs, key), numberIn(node.configs, key), ` of node ${node.nodeId}`);
  }
  return found;
}
