// A value with what else is to be said about its record, as a @Producer method returns it. Recognised by a mark and not
// by its class: an application may hold both builds of the package.

const MARK = Symbol.for('nestdaw:record-to-send');

/** Values that a header may have; text is written as UTF-8, numbers and booleans as text. */
export type ProducedHeader = string | number | boolean | Uint8Array | null;

/** What a `RecordToSend` says beside its value; what it leaves out is taken from the decorator. */
export interface RecordToSendParts {
  readonly topic?: string;
  readonly key?: string | number | bigint | Uint8Array | null;
  readonly partition?: number;
  /** Stand over the decorator's of the same name. */
  readonly headers?: Readonly<Record<string, ProducedHeader>>;
  /** Ms since the epoch. */
  readonly timestamp?: number;
}

/**
 * A record for a `@Producer` method to return, alone or among several:
 *
 * ```ts
 * return new RecordToSend(order, { key: order.customerId, headers: { tenant }, partition: 2 });
 * ```
 */
export class RecordToSend<T = unknown> {
  readonly [MARK] = true;

  constructor(
    /** Null is a tombstone. */
    readonly value: T | null,
    readonly parts: RecordToSendParts = {},
  ) {}
}

export function isRecordToSend(value: unknown): value is RecordToSend {
  return typeof value === 'object' && value !== null && MARK in value;
}
