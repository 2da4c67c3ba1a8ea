import { type KafkaListenerOptions } from './listener-options.js';

/**
 * A set of container options with a name (Spring: a listener container factory): what listeners that name it in
 * `containerFactory` do not say themselves. Any option of a listener but those that say what it reads.
 */
export type KafkaContainerOptions = Omit<
  KafkaListenerOptions,
  | 'id'
  | 'idIsGroup'
  | 'topics'
  | 'topicPattern'
  | 'topicPartitions'
  | 'broadcast'
  | 'groupId'
  | 'connection'
  | 'payload'
  | 'info'
  | 'containerFactory'
>;
