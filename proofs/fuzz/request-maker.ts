import { type Random } from '../../src/common/random.js';
import { type Api } from '../../src/protocol/api.js';
import { encodeRequestFrame } from '../../src/protocol/frame.js';
import { type Field, type Fields, type FieldType } from '../../src/protocol/schema.js';
import { makeBatch } from './batch-maker.js';

// Requests that a client could have sent, made from the tables of fields: mostly of names that exist, of values at
// the edges of their types, and now and then of everything else.

export interface Dictionary {
  readonly topics: readonly string[];
  readonly names: readonly string[];
  readonly topicIds: readonly string[];
}

const SMALL = [-1, 0, 1, 2, 3];
const INTEGERS = [-2, 4, 5, 16, 100, 1000, 0x7fff, 0x7fff_ffff, -0x8000_0000];
const LONGS = [-5, -4, -3, -2, 10, 1_700_000_000_000, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER];
const BITS: Readonly<Record<string, number>> = { i8: 8, i16: 16, i32: 32 };
/** Fields whose large values are work that was asked for, not a mistake: kept small most of the time. */
/** What most requests that mean something say here; without it hardly one would come through. */
const USUAL: Readonly<Record<string, readonly number[]>> = {
  acks: [-1, -1, 1, 0],
  index: [0, 1, 2],
  partition: [0, 1, 2],
  partitionIndex: [0, 1, 2],
  fetchOffset: [0, 1, 2, 3, 5],
  sessionEpoch: [-1, 0],
  sessionTimeoutMs: [6000, 10_000],
  rebalanceTimeoutMs: [100, 1000],
  maxBytes: [1000, 0x7fff_ffff],
  partitionMaxBytes: [1, 1000, 100_000],
};
const COUNTS = new Set(['numPartitions', 'count', 'maxWaitMs', 'timeoutMs', 'replicationFactor']);

export class RequestMaker {
  constructor(
    readonly random: Random,
    readonly dictionary: Dictionary,
  ) {}

  /** A frame without its size prefix. */
  frame(api: Api, version: number): Buffer {
    const message = this.#message(api.request.fields as Fields, version, 0);
    return Buffer.concat(encodeRequestFrame(api, version, this.#below(1000), 'fuzz', message as never)).subarray(4);
  }

  #below(limit: number): number {
    return Math.floor(this.random.next() * limit);
  }

  #pick<T>(values: readonly T[]): T {
    return values[this.#below(values.length)]!;
  }

  #message(fields: Fields, version: number, depth: number): Record<string, unknown> {
    const message: Record<string, unknown> = {};
    for (const [name, field] of Object.entries(fields)) {
      const { from, to, tag } = field.spec;
      if (version < from || version > to || (tag !== undefined && this.random.next() < 0.7)) continue;
      message[name] = this.#value(name, field, version, depth);
    }
    return message;
  }

  #value(name: string, { spec }: Field, version: number, depth: number): unknown {
    const nullShare = name === 'transactionalId' ? 0.9 : 0.15;
    if (version >= spec.nullableFrom && this.random.next() < nullShare) return null;
    const usual = USUAL[name];
    if (usual && this.random.next() < 0.8) return this.#pick(usual);
    if ((name === 'name' || name === 'topic') && this.random.next() < 0.8) return this.#pick(this.dictionary.topics);
    return this.#ofType(name, spec.type, version, depth);
  }

  #ofType(name: string, type: FieldType, version: number, depth: number): unknown {
    const { random } = this;
    switch (type.kind) {
      case 'array': {
        const count = random.next() < 0.7 ? 1 : this.#below(depth > 1 ? 3 : 5);
        return Array.from({ length: count }, () => this.#value(name, type.element, version, depth + 1));
      }
      case 'struct':
        return this.#message(type.fields, version, depth + 1);
      case 'string':
        return random.next() < 0.9 ? this.#pick(this.dictionary.names) : 'x'.repeat(this.#below(300));
      case 'uuid':
        return random.next() < 0.9 ? this.#pick(this.dictionary.topicIds) : random.bytes(16).toString('base64url');
      case 'records':
        return makeBatch(random);
      case 'bytes':
        return random.bytes(this.#below(40));
      case 'bool':
        return random.next() < 0.5;
      case 'f64':
        return random.next() * 1e6;
      case 'i64':
        return random.next() < 0.7 ? this.#pick(SMALL) : this.#pick(LONGS);
      case 'i64Exact':
        return BigInt(random.next() < 0.8 ? this.#below(4) - 1 : this.#pick(LONGS));
      case 'u16':
      case 'u32':
        return this.#below(5);
      default:
        return this.#integer(name, BITS[type.kind]!);
    }
  }

  #integer(name: string, bits: number): number {
    if (COUNTS.has(name) && this.random.next() < 0.98) return this.#below(5) - 1;
    const value = this.random.next() < 0.75 ? this.#pick(SMALL) : this.#pick(INTEGERS);
    return bits === 32 ? value : (value << (32 - bits)) >> (32 - bits);
  }
}
