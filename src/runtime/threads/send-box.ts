import { type OutgoingRecord } from '../../common/record.js';
import { type DeliverySink } from '../client/producer-client.js';
import { transferOf } from './call-codec.js';
import { type CrossedGiven } from './producer-messages.js';
import { type SendPack, SendWriter } from './send-codec.js';

// Records on their way from a thread to a producer of the application: collected until the turn ends, then posted as
// one block; and who is told of their end, by slot.

/** What one message holds. */
export interface BoxedSends {
  readonly pack: SendPack;
  readonly given: readonly CrossedGiven[] | undefined;
  readonly bytes: number;
}

export type PostSends = (sends: BoxedSends, transfer: readonly ArrayBuffer[]) => void;

/** Counted for each record beside its key and value: numbers, promises, a slot. */
const RECORD_BYTES = 64;

export class SendBox {
  readonly #post: PostSends;
  readonly #writer = new SendWriter();
  /** Records that are not posted yet, and their bytes. */
  #count = 0;
  #bytes = 0;
  #given: Given[] | undefined;
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
    const slot = this.#free.at(-1) ?? this.#sinks.length;
    this.#writer.add(slot, topic, partition, record);
    this.#free.pop();
    this.#sinks[slot] = sink;
    if (record.given) {
      this.#given ??= [];
      this.#given[this.#count] = record.given;
    }
    if (this.#count++ === 0) queueMicrotask(this.#flushSoon);
    this.#bytes += RECORD_BYTES + (record.key?.length ?? 0) + (record.value?.length ?? 0);
  }

  flush(): void {
    if (this.#count === 0) return;
    const [count, bytes, all] = [this.#count, this.#bytes, this.#given];
    this.#count = 0;
    this.#bytes = 0;
    this.#given = undefined;
    this.#sent += bytes;
    const pack = this.#writer.take();
    const given = all && Array.from({ length: count }, (_, index) => crossing(all[index]));
    try {
      this.#post({ pack, given, bytes }, transferOf(pack));
    } catch (error) {
      if (given === undefined) throw error;
      // Something that no clone can be made of (a function, a socket): it is shown as what it was serialized to.
      this.#post({ pack, given: given.map(clonable), bytes }, transferOf(pack));
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

type Given = OutgoingRecord['given'];

function crossing(given: Given): Given {
  return given && { key: ownBytes(given.key), value: ownBytes(given.value) };
}

/** A copy: sending a slice would send all that it is a slice of. */
function ownBytes(value: unknown): unknown {
  return value instanceof Uint8Array ? Uint8Array.from(value) : value;
}

function clonable(given: Given): CrossedGiven {
  try {
    structuredClone(given);
    return given;
  } catch {
    return 'serialized';
  }
}
