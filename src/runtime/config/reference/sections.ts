import { type ConfigKey } from '../config-key.js';
import { CONFIG_NAMES, type ConfigName, keyOf } from '../config-keys.js';

// The table in the order in which people look for keys.

export interface Section {
  readonly title: string;
  /** What stands above the section's keys. */
  readonly text: string;
  readonly names: readonly ConfigName[];
}

const TITLES: ReadonlyArray<readonly [title: string, pattern: RegExp, text: string]> = [
  [
    'Connection',
    /^(bootstrap-servers|client-id|properties|properties\.(socket|metrics).*)$/,
    'For all clients. `consumer.bootstrap-servers` and `producer.bootstrap-servers` name other servers for one kind of them.',
  ],
  [
    'Encryption',
    /^(security\.protocol|ssl\..*|properties\.ssl\..*)$/,
    'For all clients. Each of these keys also exists for one kind of them, where it counts more: ' +
      '`consumer.ssl.bundle`, `producer.security.protocol`, `consumer.properties.ssl.cipher.suites`.',
  ],
  [
    'Login',
    /^(properties\.sasl\..*|jaas\..*)$/,
    'For all clients; also for one kind of them, as `consumer.properties.sasl.mechanism`.',
  ],
  ['Consumers', /^consumer\./, 'What a listener says in `properties:` of `@KafkaListener` counts more, for itself.'],
  [
    'Producer',
    /^producers?(\.|$)/,
    'A named producer takes these keys too: `producers.bulk.acks=1` for the one called bulk.',
  ],
  ['Listeners', /^listener\./, 'What a listener says in `@KafkaListener` counts more, for itself.'],
  ['Template', /^template\./, ''],
  [
    'Embedded broker',
    /^embedded\./,
    'The broker beside the application, where no `bootstrap-servers` are set. These keys are not Spring’s.',
  ],
  ['Redis', /^redis\./, 'For what listeners keep in Redis.'],
  ['Delayed sends', /^delays\./, 'What `{ delay }` of a send goes by.'],
  ['Retry topics', /^retry\./, ''],
  ['Admin client', /^admin\./, ''],
  ['Streams', /^streams/, ''],
];

/** Every key of the table once; those of one kind of client that repeat a common one stand with the common one. */
export function sections(): Section[] {
  const own = CONFIG_NAMES.filter((name) => !isRepeated(name));
  return TITLES.map(([title, pattern, text]) => ({ title, text, names: own.filter((name) => pattern.test(name)) }));
}

function isRepeated(name: ConfigName): boolean {
  const { common } = keyOf(name);
  return common !== undefined && common !== 'client-id';
}

/** `duration`, `size`, `one of a, b`, … */
export function typeText(key: ConfigKey<unknown>): string {
  if (key.kind === 'choice') return 'choice';
  const { min, max } = key;
  const bound = (value: number) => (value >= 0x7fff_ffff ? '2147483647' : String(value));
  const unit = key.kind === 'duration' ? ' ms' : key.kind === 'size' ? ' B' : '';
  if (min !== undefined && max !== undefined) return `${key.kind}, ${bound(min)} to ${bound(max)}${unit}`;
  if (min !== undefined) return `${key.kind}, from ${bound(min)}${unit}`;
  return key.kind;
}
