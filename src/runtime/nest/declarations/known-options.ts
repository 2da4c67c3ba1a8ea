import { nearestName } from '../../../common/nearest-name.js';
import { type KafkaListenerOptions } from '../../../decorators/listener-options.js';
import { type Mistake } from '../../config/mistakes.js';

// Names of options, for those that the compiler did not see: a mistyped one would be left out without a word.

const NAMES: Readonly<Record<keyof KafkaListenerOptions, true>> = {
  id: true,
  idIsGroup: true,
  topics: true,
  topicPattern: true,
  topicPartitions: true,
  broadcast: true,
  inbox: true,
  groupId: true,
  clientIdPrefix: true,
  concurrency: true,
  workers: true,
  pool: true,
  threads: true,
  order: true,
  ackMode: true,
  transactional: true,
  batch: true,
  autoStartup: true,
  connection: true,
  payload: true,
  properties: true,
  keyDeserializer: true,
  valueDeserializer: true,
  contentTypeConverter: true,
  sendTo: true,
  splitIterables: true,
  filter: true,
  errorHandler: true,
  deadLetters: true,
  idempotent: true,
  sequence: true,
  offsets: true,
  rebalanceListener: true,
  containerFactory: true,
  info: true,
  containerGroup: true,
  idleEventInterval: true,
  typeHeader: true,
  typeKey: true,
  commonErrorHandler: true,
  slowHandler: true,
  overflow: true,
  budget: true,
  rate: true,
  interceptors: true,
  offsetAndMetadataProvider: true,
  retryListeners: true,
  phase: true,
  pauseImmediate: true,
  missingTopicsFatal: true,
  asyncContext: true,
};

/** Names of what a listener may be told. */
export const LISTENER_OPTIONS: ReadonlySet<string> = new Set(Object.keys(NAMES));

/** @param more names that are known beside those of listeners */
export function reportUnknownOptions(
  where: string,
  options: object,
  more: readonly string[],
  mistakes: Mistake[],
): void {
  const known = [...LISTENER_OPTIONS, ...more];
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    const near = nearestName(name, known);
    const problem = `no option of a listener${near === undefined ? '' : `; did you mean ${near}?`}`;
    mistakes.push({ origin: `@KafkaListener of ${where}`, key: name, problem });
  }
}
