// What a topic may be called, by Kafka's rule.

/** For messages. */
export const TOPIC_NAME_RULE = 'letters, digits, dot, dash, underscore, up to 249';

/** Whether a broker would take it as the name of a topic. */
export function isTopicName(name: string): boolean {
  return /^[a-zA-Z0-9._-]{1,249}$/.test(name) && name !== '.' && name !== '..';
}
