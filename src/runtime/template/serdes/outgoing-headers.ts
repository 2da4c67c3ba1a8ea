import { NO_HEADERS, type RecordHeader } from '../../../common/record.js';

/** Headers of a record that is being made: what its sender gave, and what its serializers add. */
export class OutgoingHeaders {
  #all: readonly RecordHeader[];
  #isOwn = false;

  constructor(given: readonly RecordHeader[] = NO_HEADERS) {
    this.#all = given;
  }

  /** All of them, in their order on the wire. */
  get all(): readonly RecordHeader[] {
    return this.#all;
  }

  /** Value of the last header of that name; undefined when there is none. */
  last(name: string): Buffer | null | undefined {
    return lastHeader(this.#all, name);
  }

  /** Adds one, beside those of the same name. */
  add(name: string, value: Buffer | string | null): void {
    this.#own().push({ key: name, value: typeof value === 'string' ? Buffer.from(value) : value });
  }

  /** Adds one in place of those of the same name. */
  set(name: string, value: Buffer | string | null): void {
    if (this.last(name) !== undefined) {
      this.#all = this.#all.filter(({ key }) => key !== name);
      this.#isOwn = true;
    }
    this.add(name, value);
  }

  /** What the sender gave belongs to the sender. */
  #own(): RecordHeader[] {
    if (!this.#isOwn) this.#all = [...this.#all];
    this.#isOwn = true;
    return this.#all as RecordHeader[];
  }
}

/** Value of the last header of a name, which is the one that counts in Kafka; undefined when there is none. */
export function lastHeader(headers: readonly RecordHeader[], name: string): Buffer | null | undefined {
  for (let at = headers.length - 1; at >= 0; at--) {
    if (headers[at]!.key === name) return headers[at]!.value;
  }
  return undefined;
}
