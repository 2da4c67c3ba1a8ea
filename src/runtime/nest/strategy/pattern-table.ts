import { NestdawError } from '../../../common/errors.js';
import { type KafkaListenerOptions } from '../../../decorators/listener-options.js';
import { LISTENER_OPTIONS } from '../declarations/known-options.js';
import { type PatternHandler } from './message-handler.js';

// The patterns that Nest found, sorted into listeners: one that all share, and one for each handler that asks for
// something of its own.

/** Handlers that share a listener. */
export interface PatternGroup {
  /** For messages. */
  readonly name: string;
  /** The one of all handlers that ask for nothing of their own. */
  readonly isShared: boolean;
  /** What they say about their listener. */
  readonly options: KafkaListenerOptions;
  readonly source: Pick<KafkaListenerOptions, 'topics' | 'topicPattern'>;
  handlerFor(topic: string): PatternHandler | undefined;
}

/** Options that say what a handler's pattern, or Nest, says already: they have no effect here. */
const UNSUITABLE = [
  'topics',
  'topicPattern',
  'topicPartitions',
  'batch',
  'payload',
  'keyDeserializer',
  'valueDeserializer',
  'contentTypeConverter',
  'sendTo',
  'splitIterables',
  'typeHeader',
  'typeKey',
] as const satisfies ReadonlyArray<keyof KafkaListenerOptions>;
const IDLE_OPTIONS: ReadonlySet<string> = new Set(UNSUITABLE);

/** What listeners of patterns may say, for all of them or in the extras of one: as in `@KafkaListener`. */
export type PatternListenerOptions = Omit<KafkaListenerOptions, (typeof UNSUITABLE)[number]>;

/** Those of a listener among the extras of a handler, or among options for all of them; and those without effect. */
export function listenerOptionsIn(given: object): { readonly options: KafkaListenerOptions; readonly idle: string[] } {
  const known = Object.entries(given).filter(([name]) => LISTENER_OPTIONS.has(name));
  return {
    options: Object.fromEntries(known.filter(([name]) => !IDLE_OPTIONS.has(name))),
    idle: known.map(([name]) => name).filter((name) => IDLE_OPTIONS.has(name)),
  };
}

const SHARED = 'microservice';

type Pattern = string | RegExp;

export class PatternTable {
  readonly #shared = new Map<string, Entry>();
  readonly #own: Entry[] = [];
  /** Options without effect, by pattern. */
  readonly idle = new Map<string, readonly string[]>();

  /** Handlers by pattern, for those who look at them. */
  get handlers(): ReadonlyMap<unknown, PatternHandler> {
    return new Map([...this.#shared.values(), ...this.#own].map(({ pattern, handler }) => [pattern, handler]));
  }

  add(given: unknown, handler: PatternHandler, isEvent: boolean, extras: Readonly<Record<string, unknown>>): void {
    const pattern = patternIn(given);
    handler.isEventHandler = isEvent;
    handler.extras = extras;
    const { options, idle } = listenerOptionsIn(extras);
    if (idle.length > 0) this.idle.set(String(pattern), idle);
    if (Object.keys(options).length > 0) {
      this.#own.push({ pattern, handler, options });
      return;
    }
    const key = String(pattern);
    const known = this.#shared.get(key);
    // Events reach every handler: Nest calls the attached ones itself. A second handler that answers takes over.
    if (known && isEvent) tailOf(known.handler).next = handler;
    else this.#shared.set(key, { pattern, handler, options });
  }

  groups(): PatternGroup[] {
    const shared = [...this.#shared.values()];
    const own = this.#own.map((entry, index) => {
      return groupOf(`${SHARED}-${nameOf(entry.pattern, index)}`, [entry], entry.options);
    });
    return shared.length === 0 ? own : [groupOf(SHARED, shared, undefined), ...own];
  }
}

interface Entry {
  readonly pattern: Pattern;
  readonly handler: PatternHandler;
  readonly options: KafkaListenerOptions;
}

function groupOf(name: string, entries: readonly Entry[], options: KafkaListenerOptions | undefined): PatternGroup {
  const topics = new Map(
    entries.flatMap(({ pattern, handler }) => (typeof pattern === 'string' ? [[pattern, handler] as const] : [])),
  );
  const expressions = entries.filter((entry): entry is Entry & { pattern: RegExp } => entry.pattern instanceof RegExp);
  return {
    name,
    isShared: options === undefined,
    options: options ?? {},
    source:
      expressions.length === 0
        ? { topics: [...topics.keys()] }
        : {
            topicPattern: unionOf(
              [...topics.keys()],
              expressions.map(({ pattern }) => pattern),
            ),
          },
    handlerFor: (topic) => topics.get(topic) ?? expressions.find(({ pattern }) => matches(pattern, topic))?.handler,
  };
}

/** One pattern for all: in Nest an expression may match anywhere in the name, here a pattern is the whole name. */
function unionOf(topics: readonly string[], expressions: readonly RegExp[]): RegExp {
  const names = topics.map((topic) => topic.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const flags = new Set(expressions.map((one) => one.flags.replace(/[gy]/g, '')));
  if (flags.size > 1) {
    throw new NestdawError(
      'KAFKA_CONFIG_INVALID',
      `the patterns ${expressions.join(', ')} have different flags: give one of them options of its own, such as groupId`,
    );
  }
  return new RegExp([...names, ...expressions.map(({ source }) => `.*(?:${source}).*`)].join('|'), [...flags][0] ?? '');
}

function matches(pattern: RegExp, topic: string): boolean {
  pattern.lastIndex = 0;
  const isMatch = pattern.test(topic);
  pattern.lastIndex = 0;
  return isMatch;
}

function patternIn(given: unknown): Pattern {
  if (given instanceof RegExp) return given;
  if (typeof given === 'string' || typeof given === 'number') return String(given);
  throw new NestdawError(
    'KAFKA_CONFIG_INVALID',
    `the pattern ${JSON.stringify(given)} is no topic: give @EventPattern and @MessagePattern the topic's name`,
  );
}

function nameOf(pattern: Pattern, index: number): string {
  return typeof pattern === 'string' ? pattern : `pattern-${index + 1}`;
}

function tailOf(handler: PatternHandler): PatternHandler {
  let tail = handler;
  while (tail.next) tail = tail.next;
  return tail;
}
