import { KafkaHeaders } from '../../../common/kafka-headers.js';
import { type KafkaRecord } from '../../../common/record.js';
import { isTopicName, TOPIC_NAME_RULE } from '../../../common/topic-name.js';
import { type ReplyTopicFunction } from '../../../decorators/reply-topic.js';
import { type SendToMetadata, type SendToOptions } from '../../../decorators/send-to.js';
import { type Environment } from '../../config/environment.js';
import { type Mistake } from '../../config/mistakes.js';
import { type ReplyAddress, replyAddress } from '../../template/replies/reply-address.js';
import { lastHeader } from '../../template/serdes/outgoing-headers.js';

// Where the replies of a method go, worked out once.

/** How a listener method's results are sent. */
export interface ReplyPlan {
  readonly addressOf: (request: KafkaRecord, result: unknown) => ReplyAddress;
  readonly correlationHeader: string;
  readonly splitIterables: boolean;
  readonly headers: NonNullable<SendToOptions['headers']>;
  readonly copies: (name: string, value: Buffer | null) => boolean;
}

export interface ReplyPlanQuestion {
  /** `@SendTo of OrderListener.handle`. */
  readonly origin: string;
  readonly sendTo: SendToMetadata;
  readonly splitIterables: boolean;
  readonly environment: Environment;
}

export function replyPlan(
  { origin, sendTo, splitIterables, environment }: ReplyPlanQuestion,
  mistakes: Mistake[],
): ReplyPlan {
  const { topic, options } = sendTo;
  const { headers = {}, copyHeaders = [], correlationHeader = KafkaHeaders.CORRELATION_ID } = options;
  return {
    addressOf: addressing(origin, topic, environment, mistakes),
    correlationHeader,
    splitIterables,
    headers,
    copies: typeof copyHeaders === 'function' ? copyHeaders : (name) => copyHeaders.includes(name),
  };
}

function addressing(
  origin: string,
  topic: string | ReplyTopicFunction | undefined,
  environment: Environment,
  mistakes: Mistake[],
): ReplyPlan['addressOf'] {
  if (topic === undefined) return (request) => replyAddress(request.headers);
  if (typeof topic === 'function') return (request, result) => within(request, topic({ request, result }));
  const header = /^#\{\s*([^{}'()]+?)\s*\}$/.exec(topic)?.[1];
  if (header !== undefined) {
    return (request) => within(request, lastHeader(request.headers, header)?.toString() || undefined);
  }
  const name = resolved(origin, topic, environment, mistakes);
  return (request) => within(request, name);
}

function resolved(origin: string, topic: string, environment: Environment, mistakes: Mistake[]): string | undefined {
  const report = (problem: string) => void mistakes.push({ origin, problem });
  if (/^[!#]\{/.test(topic)) {
    report(
      `${topic} is an expression of Spring's; give '#{header-name}', or a function: ({ request, result }) => topic`,
    );
    return undefined;
  }
  try {
    const name = environment.resolvePlaceholders(topic);
    if (isTopicName(name)) return name;
    report(`"${name}" is no topic name; allowed: ${TOPIC_NAME_RULE}`);
  } catch (error) {
    report((error as Error).message);
  }
  return undefined;
}

/** The partition that a request names belongs to the topic that it names. */
function within(request: KafkaRecord, topic: string | undefined): ReplyAddress {
  const wanted = replyAddress(request.headers);
  const isOther = wanted.topic !== undefined && wanted.topic !== topic;
  return { topic, partition: isOther ? undefined : wanted.partition };
}
