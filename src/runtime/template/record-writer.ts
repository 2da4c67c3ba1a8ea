import { type OutgoingRecord } from '../../common/record.js';
import { OutgoingHeaders } from './serdes/outgoing-headers.js';
import { type Serializer } from './serdes/serde.js';
import { type HeadersInput, type RecordKey, recordHeaders } from './serializers.js';

// From the application's values to a record's bytes.

type Outgoing = { -readonly [P in keyof OutgoingRecord]: OutgoingRecord[P] };

export class RecordWriter {
  readonly #key: Serializer;
  readonly #value: Serializer;

  constructor(key: Serializer, value: Serializer) {
    this.#key = key;
    this.#value = value;
  }

  /** Throws KAFKA_SERIALIZATION_FAILED. With `wantsGiven` the record carries key and value as they were, too. */
  write(
    topic: string,
    key: RecordKey,
    value: unknown,
    headers: HeadersInput | undefined,
    timestamp: number | undefined,
    wantsGiven: boolean,
  ): OutgoingRecord {
    const written = new OutgoingHeaders(recordHeaders(topic, headers));
    const outgoing: Outgoing = { key: this.#key(topic, key, written), value: this.#value(topic, value, written) };
    if (written.all.length > 0) outgoing.headers = written.all;
    if (timestamp !== undefined) outgoing.timestamp = timestamp;
    if (wantsGiven) outgoing.given = { key, value };
    return outgoing;
  }
}
