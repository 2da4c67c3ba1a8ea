import { NestdawError } from '../../../common/errors.js';
import { type KafkaRecord } from '../../../common/record.js';
import { type JsonClass, lastPart } from '../../template/serdes/json-types.js';
import { type AnyClass } from '../metadata-accessor.js';
import { type Choice, type Handling } from './listener-invoker.js';
import { instanceFrom, positionOf } from './payload-converter.js';

// Which method of a listening class gets a record: by the name of its payload's type, else by asking, else the default.

export interface PayloadHandler {
  /** `OrderListener.placed`, for messages. */
  readonly where: string;
  readonly handling: Handling;
  /** Type names that it takes. */
  readonly types: readonly string[];
  /** The class by which it is known; it takes instances of subclasses too that have no method of their own. */
  readonly ofClass: AnyClass | undefined;
  readonly is: ((payload: unknown, record: KafkaRecord) => boolean) | undefined;
  readonly isDefault: boolean;
  readonly tombstone: boolean;
}

export interface PayloadDispatchOptions {
  /** The class, for messages. */
  readonly where: string;
  readonly typeHeader: string;
  readonly typeKey: string;
  /** The class that the application knows under a name on the wire. */
  readonly classNamed: (name: string) => JsonClass | undefined;
}

/** A method, and the subclass of its own that a name stands for. */
interface Derived {
  readonly handler: PayloadHandler;
  readonly type: JsonClass;
}

/** Bytes that are no JSON have no properties to look at; only a header or the default method can place them. */
const NO_PAYLOAD = Symbol('no payload');

export class PayloadDispatch {
  readonly #options: PayloadDispatchOptions;
  readonly #byType = new Map<string, PayloadHandler>();
  readonly #byClass = new Map<unknown, PayloadHandler>();
  /** Subclasses, as they were found; not by name, as there is no end of the names that records may give one. */
  readonly #derived = new Map<JsonClass, Derived | undefined>();
  readonly #asking: readonly PayloadHandler[];
  readonly #default: PayloadHandler | undefined;
  readonly #tombstone: PayloadHandler | undefined;

  constructor(handlers: readonly PayloadHandler[], options: PayloadDispatchOptions) {
    this.#options = options;
    for (const handler of handlers) {
      for (const type of handler.types) this.#byType.set(type, handler);
      if (handler.ofClass !== undefined) this.#byClass.set(handler.ofClass, handler);
    }
    this.#asking = handlers.filter(({ is }) => is !== undefined);
    this.#default = handlers.find(({ isDefault }) => isDefault);
    this.#tombstone = handlers.find(({ tombstone }) => tombstone);
  }

  /** Throws KAFKA_NO_HANDLER when no method takes the record, or more than one does. */
  choose(record: KafkaRecord): Choice {
    if (record.value === null) {
      const handler = this.#tombstone ?? this.#byName(this.#headerOf(record)) ?? this.#default;
      return handler ? choiceOf(handler, record, NO_PAYLOAD) : this.#nobody(record, 'it is a tombstone');
    }
    const named = this.#headerOf(record);
    const byHeader = this.#byName(named);
    if (byHeader) return choiceOf(byHeader, record, NO_PAYLOAD);
    const payload = parsed(record.value);
    const type = named ?? this.#typeIn(payload);
    const byName = this.#byName(type);
    const derived = byName === undefined && type !== undefined ? this.#derivedFor(type) : undefined;
    if (derived && payload !== NO_PAYLOAD) return instanceChoice(derived, record, payload);
    const handler = byName ?? this.#asked(payload, record) ?? this.#default;
    if (handler) return choiceOf(handler, record, payload);
    return this.#nobody(record, type === undefined ? 'nothing names its type' : `its type is ${type}`);
  }

  #headerOf({ headers }: KafkaRecord): string | undefined {
    for (let at = headers.length - 1; at >= 0; at--) {
      const { key, value } = headers[at]!;
      if (key === this.#options.typeHeader) return value?.toString();
    }
    return undefined;
  }

  #typeIn(payload: unknown): string | undefined {
    if (typeof payload !== 'object' || payload === null) return undefined;
    const type = (payload as Record<string, unknown>)[this.#options.typeKey];
    return typeof type === 'string' ? type : undefined;
  }

  /** Java's class names come with their package, and inner classes with their outer one. */
  #byName(type: string | undefined): PayloadHandler | undefined {
    if (type === undefined) return undefined;
    return this.#byType.get(type) ?? this.#byType.get(lastPart(type));
  }

  /** The method for the nearest class above the named one. */
  #derivedFor(name: string): Derived | undefined {
    const type = this.#options.classNamed(name);
    if (type === undefined) return undefined;
    if (this.#derived.has(type)) return this.#derived.get(type);
    let handler: PayloadHandler | undefined;
    for (let at: unknown = type; typeof at === 'function' && !handler; at = Object.getPrototypeOf(at)) {
      handler = this.#byClass.get(at);
    }
    const derived = handler && { handler, type };
    this.#derived.set(type, derived);
    return derived;
  }

  #asked(payload: unknown, record: KafkaRecord): PayloadHandler | undefined {
    if (payload === NO_PAYLOAD) return undefined;
    let found: PayloadHandler | undefined;
    for (const handler of this.#asking) {
      if (!handler.is!(payload, record)) continue;
      if (found) {
        const message = `${positionOf(record)}: both ${found.where} and ${handler.where} say that they take it; make their is() functions exclude each other`;
        throw new NestdawError('KAFKA_NO_HANDLER', message);
      }
      found = handler;
    }
    return found;
  }

  #nobody(record: KafkaRecord, why: string): never {
    const { where, typeHeader, typeKey } = this.#options;
    const known = [...this.#byType.keys()].join(', ') || 'none';
    throw new NestdawError(
      'KAFKA_NO_HANDLER',
      `no method of ${where} takes ${positionOf(record)}: ${why} (header ${typeHeader}, property ${typeKey}; known types: ` +
        `${known}). Add a @KafkaHandler for it, or one with isDefault: true`,
    );
  }
}

/** What was parsed for the choice is not parsed again. */
function choiceOf({ handling }: PayloadHandler, record: KafkaRecord, payload: unknown): Choice {
  const { converter } = handling;
  if (converter === undefined) return { handling, decoded: record };
  const isUsable = payload !== NO_PAYLOAD && converter.hasProperties;
  return { handling, decoded: isUsable ? payload : converter.decode(record) };
}

/** An instance of the class itself, which the handler's conversion leaves as it is, and validates. */
function instanceChoice({ handler, type }: Derived, record: KafkaRecord, payload: unknown): Choice {
  const { handling } = handler;
  if (handling.converter === undefined) return choiceOf(handler, record, payload);
  return { handling, decoded: instanceFrom(type, payload, record) };
}

function parsed(value: Buffer): unknown {
  try {
    return JSON.parse(value.toString());
  } catch {
    return NO_PAYLOAD;
  }
}
