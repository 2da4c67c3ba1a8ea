import { bytesOfData, NO_HEADERS, type OutgoingRecord } from '../../common/record.js';
import { type DeliverySink } from '../client/producer-client.js';
import { type CallPack, type PackableRecord, packCalls, transferOf } from './call-codec.js';
import { type GivenParts } from './producer-messages.js';

// Records on their way from a thread to a producer of the application: collected until the turn ends, then posted as one
// block; and who is told of their end, by slot.

/** What one message holds. */
export interface BoxedSends {
  readonly pack: CallPack;
  readonly given: ReadonlyArray<GivenParts | undefined> | undefined;
  readonly bytes: number;
}

export type PostSends = (sends: BoxedSends, transfer: readonly ArrayBuffer[]) => void;

/** Counted for each record beside its key and value: numbers, promises, a slot. */
const RECORD_BYTES = 64;

export class SendBox {
  readonly #post: PostSends;
  #records: PackableRecord[] = [];
  #given: Array<OutgoingRecord['given']> | undefined;
  /** Bytes of the records that are not posted yet. */
  #bytes = 0;
  #sent = 0;
  #taken = 0;
  readonly #sinks: Array<DeliverySink | undefined> = [];
  readonly #free: number[] = [];
  readonly #flushSoon = (): void => this.flush();

  constructor(post: PostSends) {
    this.#post = post;
  }

  /** Bytes that the producer's side has not taken in. */
  get underWay(): number {
    return this.#bytes + this.#sent - this.#taken;
  }

  put(topic: string, partition: number | undefined, record: OutgoingRecord, sink: DeliverySink): void {
    const { key, value, headers = NO_HEADERS, timestamp = Number.NaN, given } = record;
    const slot = this.#free.pop() ?? this.#sinks.length;
    this.#sinks[slot] = sink;
    if (given) {
      this.#given ??= [];
      this.#given[this.#records.length] = given;
    }
    // No number: not said.
    const place = { topic, partition: partition ?? Number.NaN, offset: slot, timestamp };
    if (this.#records.push({ ...place, key, value, headers }) === 1) queueMicrotask(this.#flushSoon);
    this.#bytes += RECORD_BYTES + (key?.length ?? 0) + (value?.length ?? 0);
  }

  flush(): void {
    const records = this.#records;
    if (records.length === 0) return;
    const bytes = this.#bytes;
    const given = this.#given && records.map((_, index) => crossing(this.#given![index]));
    this.#records = [];
    this.#given = undefined;
    this.#bytes = 0;
    this.#sent += bytes;
    const pack = packCalls([{ slot: 0, id: 0, attempt: 0, records }]);
    try {
      this.#post({ pack, given, bytes }, transferOf(pack));
    } catch (error) {
      if (given === undefined) throw error;
      // Something that no clone can be made of (a function, a socket): it is shown as what it was serialized to.
      const shown = given.map((parts, index) => parts && clonable(parts, records[index]!));
      const again = packCalls([{ slot: 0, id: 0, attempt: 0, records }]);
      this.#post({ pack: again, given: shown, bytes }, transferOf(again));
    }
  }

  /** So many of the bytes that were ever posted have come in. */
  taken(bytes: number): void {
    this.#taken = bytes;
  }

  /** The sink in a slot, which is free again; whoever takes it tells it. */
  take(slot: number): DeliverySink {
    const sink = this.#sinks[slot] ?? NOBODY;
    this.#sinks[slot] = undefined;
    this.#free.push(slot);
    return sink;
  }

  /** Nothing may be put in afterwards: slots of what is still under way would be used twice. */
  rejectAll(reason: Error): void {
    for (let slot = 0; slot < this.#sinks.length; slot++) {
      this.#sinks[slot]?.failed(reason, 1);
      this.#sinks[slot] = undefined;
    }
  }
}

/** Whoever waited was told at the end. */
const NOBODY: DeliverySink = { stored: () => undefined, failed: () => undefined };

function crossing(given: OutgoingRecord['given']): GivenParts | undefined {
  return given && { key: ownBytes(given.key), value: ownBytes(given.value) };
}

/** A copy: sending a slice would send all that it is a slice of. */
function ownBytes(value: unknown): unknown {
  return value instanceof Uint8Array ? Uint8Array.from(value) : value;
}

function clonable({ key, value }: GivenParts, record: PackableRecord): GivenParts {
  try {
    structuredClone([key, value]);
    return { key, value };
  } catch {
    return { key: ownBytes(bytesOfData(record.key)), value: ownBytes(bytesOfData(record.value)) };
  }
}
