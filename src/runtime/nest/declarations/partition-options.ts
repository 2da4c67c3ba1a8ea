import { type SeekTarget, targetMistake } from '../../../common/seek-target.js';
import { isTopicName, TOPIC_NAME_RULE } from '../../../common/topic-name.js';
import { type InitialOffset, type TopicPartitions } from '../../../decorators/listener-options.js';
import { parseInteger, parseList } from '../../config/formats.js';
import { type PartitionRequest } from '../../listener/listener-endpoint.js';
import { type OptionReader } from '../option-reader.js';

// `topicPartitions` of a listener: numbers and ranges spelled out, initial offsets found, contradictions named.

const OPTION = 'topicPartitions';
/** Ranges are spelled out; nobody means more than this. */
const MOST_PARTITIONS = 100_000;

export function partitionRequests(
  read: OptionReader,
  given: ReadonlyArray<string | TopicPartitions>,
): PartitionRequest[] {
  const before = read.mistakes.length;
  const entries = Array.isArray(given) ? (given as typeof given) : [given as unknown as string];
  const requests = entries.flatMap((entry) => (typeof entry === 'string' ? named(read, entry) : ofTopic(read, entry)));
  if (requests.length === 0 && read.mistakes.length === before) {
    read.mistake(OPTION, undefined, "no partition is named; give 'topic-0', or { topic }");
  }
  reportRepeated(read, requests);
  return requests;
}

/** `orders-0`, or several of them between commas. */
function named(read: OptionReader, entry: string): PartitionRequest[] {
  return parseList(read.text(OPTION, entry) ?? '').flatMap((text) => {
    const match = /^(.+)-(\d+)$/.exec(text);
    if (match && isTopicName(match[1]!)) return [{ topic: match[1]!, partition: Number(match[2]) }];
    read.mistake(OPTION, text, "not a partition's name; write 'topic-0', or { topic, partitions: '0-3' }");
    return [];
  });
}

function ofTopic(read: OptionReader, entry: TopicPartitions): PartitionRequest[] {
  const topic = read.text(OPTION, entry.topic)?.trim();
  if (topic === undefined) return [];
  if (!isTopicName(topic)) {
    read.mistake(OPTION, topic, `no topic name; allowed: ${TOPIC_NAME_RULE}`);
    return [];
  }
  const { partitions = '*' } = entry;
  const start = startOf(read, entry.initialOffset);
  const own = new Map<number, SeekTarget | undefined>();
  for (const [key, value] of Object.entries(entry.partitionOffsets ?? {})) {
    const target = startOf(read, value);
    for (const partition of numbersIn(read, read.text(OPTION, key) ?? '')) own.set(partition, target);
  }
  const listed = Array.isArray(partitions)
    ? (partitions as readonly number[]).join(',')
    : read.text(OPTION, String(partitions));
  if (listed === undefined) return [];
  if (listed.trim() !== '*') {
    const all = new Set([...numbersIn(read, listed), ...own.keys()]);
    return [...all].map((partition) => request(topic, partition, own.has(partition) ? own.get(partition) : start));
  }
  if (own.size > 0) {
    read.mistake(OPTION, topic, "partitionOffsets go with listed partitions: give partitions: '0-3' instead of all");
  }
  return [request(topic, undefined, start)];
}

/** Numbers and inclusive ranges between commas: `0-5, 7, 10-15`. */
function numbersIn(read: OptionReader, text: string): number[] {
  const found: number[] = [];
  for (const item of parseList(text)) {
    const match = /^(\d{1,9})(?:\s*-\s*(\d{1,9}))?$/.exec(item);
    const from = Number(match?.[1]);
    const to = match?.[2] === undefined ? from : Number(match[2]);
    if (!match || to < from || found.length + to - from >= MOST_PARTITIONS) {
      read.mistake(OPTION, item, "not a partition; give numbers and ranges: '0-5, 7'");
      return [];
    }
    for (let partition = from; partition <= to; partition++) found.push(partition);
  }
  return found;
}

function startOf(read: OptionReader, given: InitialOffset | undefined): SeekTarget | undefined {
  if (given === undefined) return undefined;
  const target = typeof given === 'string' ? targetIn(read.text(OPTION, given)) : given;
  if (target === undefined) return undefined;
  const mistake = targetMistake(target);
  if (mistake === undefined) return target;
  read.mistake(OPTION, undefined, `initial offset: ${mistake}`);
  return undefined;
}

/** What is no number stays as it is, for the check of targets to name. */
function targetIn(text: string | undefined): SeekTarget | undefined {
  if (text === undefined) return undefined;
  return parseInteger(text.trim()) ?? (text.trim().toLowerCase() as SeekTarget);
}

function request(topic: string, partition: number | undefined, start: SeekTarget | undefined): PartitionRequest {
  return { topic, ...(partition === undefined ? {} : { partition }), ...(start === undefined ? {} : { start }) };
}

function reportRepeated(read: OptionReader, requests: readonly PartitionRequest[]): void {
  const seen = new Set<string>();
  const whole = new Set(requests.filter(({ partition }) => partition === undefined).map(({ topic }) => topic));
  const repeated = new Set<string>();
  for (const { topic, partition } of requests) {
    const name = partition === undefined ? topic : `${topic}-${partition}`;
    if (seen.has(name) || (partition !== undefined && whole.has(topic))) repeated.add(name);
    seen.add(name);
  }
  for (const name of repeated) read.mistake(OPTION, name, 'named more than once; name each partition once');
}
