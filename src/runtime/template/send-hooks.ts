import { type Clock } from '../../common/clock.js';
import { messageOf } from '../../common/errors.js';
import { type Logger } from '../../common/logger.js';
import { type StoppedDelivery } from '../client/producer-client.js';
import { InterceptorChain, type ProducerInterceptor } from './producer-interceptor.js';
import { type ProducerListener } from './producer-listener.js';
import { type ProducerRecord, type SendResult, withHeaders } from './producer-record.js';
import { type ObservedSend, type SendObservation, type SendObserver } from './send-observer.js';
import { type HeaderValue } from './serializers.js';

// Everything that watches or changes sends, in order: observers begin, interceptors change, … , interceptors are told
// of the acknowledgment, listeners, observers end. A template without any of it pays nothing.

/** A send under way, and those who wait for its end. */
export interface WatchedSend {
  readonly record: ProducerRecord;
  succeeded(result: SendResult): void;
  failed(error: Error): void;
}

/** Those of the hooks that a send is shown to: all, or one side of a send that begins in another thread. */
export type HookPart = 'all' | 'observers' | 'interceptors and listeners';

export class SendHooks {
  readonly #logger: Logger;
  readonly #listeners: ProducerListener[] = [];
  readonly #observers: SendObserver[] = [];
  readonly interceptors: InterceptorChain;
  readonly #onChange = new Set<() => void>();
  #isUsed = false;

  constructor(clock: Clock, logger: Logger) {
    this.#logger = logger;
    this.interceptors = new InterceptorChain(clock, logger);
  }

  /** Whether there is anybody to be told. */
  get isUsed(): boolean {
    return this.#isUsed;
  }

  get hasObservers(): boolean {
    return this.#observers.length > 0;
  }

  get hasInterceptorsOrListeners(): boolean {
    return !this.interceptors.isEmpty || this.#listeners.length > 0;
  }

  addInterceptor(interceptor: ProducerInterceptor): void {
    this.interceptors.add(interceptor);
    this.#changed();
  }

  addListener(listener: ProducerListener): void {
    this.#listeners.push(listener);
    this.#changed();
  }

  addObserver(observer: SendObserver): void {
    this.#observers.push(observer);
    this.#changed();
  }

  /** Calls `listener` when somebody more watches. */
  onChange(listener: () => void): void {
    this.#onChange.add(listener);
  }

  #changed(): void {
    this.#isUsed = true;
    for (const listener of this.#onChange) listener();
  }

  begin(given: ProducerRecord, part: HookPart = 'all'): WatchedSend {
    const { observations, record: observed } =
      part === 'interceptors and listeners' ? { observations: [], record: given } : this.#observe(given);
    const isIntercepted = part !== 'observers' && !this.interceptors.isEmpty;
    const listeners = part === 'observers' ? [] : this.#listeners;
    const record = isIntercepted ? this.interceptors.onSend(observed) : observed;
    return {
      record,
      succeeded: (result) => {
        if (isIntercepted) this.interceptors.onAcknowledgement(result, undefined);
        for (const listener of listeners) this.#safely('listener', () => listener.onSuccess?.(record, result));
        for (const observation of observations) this.#safely('observer', () => observation.succeeded(result));
      },
      failed: (error) => {
        const { topic, partition = -1, timestamp = -1 } = record;
        if (isIntercepted) {
          this.interceptors.onAcknowledgement({ topic, partition, offset: -1, timestamp }, error);
        }
        for (const listener of listeners) this.#safely('listener', () => listener.onError?.(record, error));
        for (const observation of observations) this.#safely('observer', () => observation.failed(error));
      },
    };
  }

  deliveryStopped(stopped: StoppedDelivery): void {
    for (const listener of this.#listeners) this.#safely('listener', () => listener.onDeliveryStopped?.(stopped));
  }

  #observe(given: ProducerRecord): { observations: readonly SendObservation[]; record: ProducerRecord } {
    if (this.#observers.length === 0) return { observations: [], record: given };
    const observed = new HeaderedSend(given);
    const observations: SendObservation[] = [];
    for (const observer of this.#observers) {
      this.#safely('observer', () => {
        const observation = observer.begin(observed);
        if (observation) observations.push(observation);
      });
    }
    return { observations, record: observed.record };
  }

  #safely(who: string, action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#logger.error(`a send ${who} failed, and is passed over: ${messageOf(error)}`);
    }
  }
}

/** Keeps added headers apart until all observers had their turn. */
class HeaderedSend implements ObservedSend {
  readonly #given: ProducerRecord;
  readonly #added = new Map<string, HeaderValue>();

  constructor(given: ProducerRecord) {
    this.#given = given;
  }

  get topic(): string {
    return this.#given.topic;
  }

  get partition(): number | undefined {
    return this.#given.partition;
  }

  get key(): ProducerRecord['key'] {
    return this.#given.key;
  }

  header(name: string): HeaderValue | undefined {
    if (this.#added.has(name)) return this.#added.get(name);
    const { headers } = this.#given;
    if (headers === undefined) return undefined;
    if (!Array.isArray(headers)) return (headers as Readonly<Record<string, HeaderValue>>)[name];
    return (headers as ReadonlyArray<{ key: string; value: HeaderValue }>).findLast(({ key }) => key === name)?.value;
  }

  setHeader(name: string, value: HeaderValue): void {
    this.#added.set(name, value);
  }

  get record(): ProducerRecord {
    if (this.#added.size === 0) return this.#given;
    return withHeaders(this.#given, Object.fromEntries(this.#added));
  }
}
