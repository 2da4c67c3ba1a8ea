import { join } from 'node:path';
import { type InboxOptions, type KafkaListenerOptions } from '../../../decorators/listener-options.js';
import { type ListenerEndpoint } from '../../listener/listener-endpoint.js';
import { type EndpointNumbers } from '../declarations/endpoint-options.js';
import { type OptionReader } from '../option-reader.js';

// What a listener says about its inbox.

const MAX_RECORDS = 100_000;

/** Undefined for a listener without one. */
export function inboxOf(
  read: OptionReader,
  options: KafkaListenerOptions,
  id: string,
  { concurrency, groupId }: EndpointNumbers,
): ListenerEndpoint['inbox'] {
  if (options.inbox === undefined || options.inbox === false) return undefined;
  const { folder, maxRecords }: InboxOptions = options.inbox === true ? {} : options.inbox;
  if (concurrency > 1) {
    read.mistake('concurrency', String(concurrency), 'an inbox has one consumer; give workers instead of concurrency');
  }
  if (groupId === '') read.mistake('inbox', 'true', 'needs a group, whose offsets are committed as records come in');
  return {
    folder: read.text('inbox.folder', folder) ?? join('.nestdaw', 'inbox', id.replaceAll(/[^\w.-]/g, '_')),
    maxRecords: read.whole('inbox.maxRecords', maxRecords, 10_000_000) ?? MAX_RECORDS,
  };
}
