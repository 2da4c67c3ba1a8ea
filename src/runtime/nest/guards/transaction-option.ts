import { type KafkaListenerOptions } from '../../../decorators/listener-options.js';
import { parseBoolean } from '../../config/formats.js';
import { type KafkaProperties } from '../../config/kafka-properties.js';
import { type ListenerEndpoint } from '../../listener/listener-endpoint.js';
import { type HandlerSource, type TransactionalConnection } from '../declarations/listener-declaration.js';
import { transactionalOf } from '../metadata-accessor.js';
import { type OptionReader } from '../option-reader.js';

// Whether a listener's records are handled in transactions: by `@Transactional` on its method, or by its options.

const NOT_GUARDED =
  'goes not with a transaction, which may be rolled back after the id is finished; in a transaction each record counts ' +
  'once by itself, and effects outside of Kafka have to be repeatable';

interface TransactionQuestion extends TransactionalConnection {
  /** The listener claims message ids. */
  readonly isGuarded: boolean;
  /** The listener keeps its offsets outside of Kafka. */
  readonly hasOwnOffsets: boolean;
}

type Numbers = Pick<ListenerEndpoint, 'ackMode' | 'workers' | 'threads'> & { readonly batch: boolean };

/** What the endpoint has more, or other, in transactions. */
export function transactionsOf(
  read: OptionReader,
  options: KafkaListenerOptions,
  source: HandlerSource,
  numbers: Numbers,
  { properties, listenerTransactions, isGuarded, hasOwnOffsets }: TransactionQuestion,
  notices: string[],
): Partial<Pick<ListenerEndpoint, 'transactions' | 'ackMode'>> {
  const option = read.parsed<boolean>('transactional', options.transactional, parseBoolean, 'true or false');
  if (!(option ?? isDeclared(source))) return {};
  if (!listenerTransactions) {
    const key = `${properties.prefix}.producer.transaction-id-prefix`;
    read.mistake('transactional', undefined, `transactions need ${key}, unique for each process`);
    return {};
  }
  // A finished id would keep the record out after a rollback, and its sends with it.
  if (isGuarded) read.mistake('idempotent', undefined, NOT_GUARDED);
  if (hasOwnOffsets) {
    const problem = 'offsets of a Kafka transaction are committed in it; leave one of the two out';
    read.mistake('offsets', undefined, problem);
  }
  if (typeof numbers.threads === 'number') {
    const problem = 'a transaction does not reach into a pool of threads: leave pool out for a thread a consumer';
    read.mistake('threads', undefined, problem);
  }
  if (properties.originOf('consumer.isolation-level') === undefined) {
    notices.push(
      `${read.where} runs in transactions, but reads what others have not committed, or have aborted: set ` +
        `${properties.prefix}.consumer.isolation-level=read_committed, or read_uncommitted to say that it is meant`,
    );
  }
  return { transactions: listenerTransactions, ackMode: ackModeOf(options, numbers, properties) };
}

/** One transaction a record where nothing else is said, as Spring's record listeners have it. */
function ackModeOf(
  options: KafkaListenerOptions,
  { ackMode, workers, batch }: Numbers,
  properties: KafkaProperties,
): ListenerEndpoint['ackMode'] {
  const isChosen = options.ackMode !== undefined || properties.get('listener.ack-mode') !== undefined;
  if (isChosen || batch || workers !== undefined || properties.get('consumer.enable-auto-commit')) return ackMode;
  return 'RECORD';
}

function isDeclared(source: HandlerSource): boolean {
  if (source.kind === 'ready') return false;
  const methods = source.kind === 'method' ? [source] : source.methods;
  return methods.some(({ target }) => {
    const method = (target.type.prototype as Record<string, object | undefined>)[target.method];
    return method !== undefined && transactionalOf(method) !== undefined;
  });
}
