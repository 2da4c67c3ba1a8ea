import { type RecordToSend } from '../../../decorators/record-to-send.js';
import { type SendResult } from '../../template/producer-record.js';
import { type SendAllResult } from '../../template/send-all.js';
import { type SendPlan } from './send-plan.js';

/**
 * A typed sender for one topic, as `@Producer` puts it on a property: key, headers and partition of each value come
 * from the decorator, or from a `RecordToSend`.
 */
export interface TopicSender<T = any> {
  /** Resolves when the record is acknowledged; rejects as `KafkaTemplate.send`. */
  send(value: T | RecordToSend<T> | null): Promise<SendResult>;
  /** Sends everything with back-pressure, see `KafkaTemplate.sendAll`. */
  sendAll(
    values: Iterable<T | RecordToSend<T> | null> | AsyncIterable<T | RecordToSend<T> | null>,
  ): Promise<SendAllResult>;
  /** Nobody waits: a failure is counted and logged, nothing else. */
  sendOneway(value: T | RecordToSend<T> | null): void;
  /** Resolves when little enough waits to send more. */
  ready(): Promise<void>;
}

export function topicSender(plan: SendPlan): TopicSender {
  const { template } = plan;
  const send = async (value: unknown) => template.send(plan.recordOf(value));
  return {
    send,
    sendAll: async (values) =>
      template.sendAll(Symbol.asyncIterator in values ? later(plan, values) : all(plan, values)),
    sendOneway: (value) => template.sendOneway(plan.recordOf(value)),
    ready: () => template.ready(),
  };
}

function* all(plan: SendPlan, values: Iterable<unknown>) {
  for (const value of values) yield plan.recordOf(value);
}

async function* later(plan: SendPlan, values: AsyncIterable<unknown>) {
  for await (const value of values) yield plan.recordOf(value);
}
