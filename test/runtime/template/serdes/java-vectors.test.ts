import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { bytesOfData } from '../../../../src/common/record.js';
import {
  headerDeserializer,
  headerSerializer,
  JsonTypes,
  jsonSerializer,
  OutgoingHeaders,
  type Serde,
  Serdes,
  type Serializer,
} from '../../../../src/index.js';

// What Kafka's and Spring's own classes wrote (test/fixtures/serdes, made by SerdeVectors.java) and what ours write.

interface Vector {
  readonly kind: string;
  readonly value: unknown;
  readonly hex: string | null;
  readonly headers: ReadonlyArray<readonly [string, string]>;
}

const vectors = JSON.parse(
  readFileSync(new URL('../../../fixtures/serdes/serdes.json', import.meta.url), 'utf8'),
) as Vector[];

class Order {
  id!: string;
}

const order = (value: unknown) => Object.assign(new Order(), value);
const types = new JsonTypes({ types: { order: Order } });
const selectors = { int: Serdes.integer, text: Serdes.string };
const byHeader: Serde = {
  serializer: headerSerializer({
    int: selectors.int.serializer as Serializer,
    text: Serdes.string.serializer as Serializer,
  }),
  deserializer: headerDeserializer({ int: selectors.int.deserializer, text: Serdes.string.deserializer }),
};

const BASIC: Record<string, Serde> = {
  integer: Serdes.integer,
  long: Serdes.long,
  short: Serdes.short,
  float: Serdes.float,
  double: Serdes.double,
  boolean: Serdes.boolean,
  string: Serdes.string,
  uuid: Serdes.uuid,
  bytes: Serdes.bytes,
  void: Serdes.void,
  'by-header': byHeader,
  'by-header-unset': byHeader,
};

/** Values that JSON cannot say are text in the vectors. */
function ownValue({ kind, value }: Vector): unknown {
  if (kind === 'bytes') return Buffer.from(String(value), 'hex');
  if (kind !== 'long') return value;
  const big = BigInt(value as string);
  return Number.isSafeInteger(Number(big)) ? Number(big) : big;
}

function writtenBy(serializer: Serializer<any>, value: unknown, given: Vector['headers'] = []) {
  const headers = new OutgoingHeaders(given.map(([key, text]) => ({ key, value: Buffer.from(text) })));
  const bytes = bytesOfData(serializer('orders', value, headers));
  return {
    hex: bytes === null ? null : bytes.toString('hex'),
    headers: headers.all.map((header) => [header.key, String(header.value)]),
  };
}

const basic = vectors.filter(({ kind }) => BASIC[kind] !== undefined);

describe('the formats of Java', () => {
  it.each(basic.map((vector) => [`${vector.kind} ${JSON.stringify(vector.value)}`, vector] as const))(
    '%s is written, and read, as there',
    (_name, vector) => {
      const serde = BASIC[vector.kind]!;
      const given = vector.kind === 'by-header' ? vector.headers : [];
      const { hex, headers } = vector;
      expect(writtenBy(serde.serializer, ownValue(vector), given)).toEqual({ hex, headers });
      if (hex === null) return;
      const received = headers.map(([key, text]) => ({ key, value: Buffer.from(text) }));
      expect(serde.deserializer('orders', Buffer.from(hex, 'hex'), received)).toEqual(ownValue(vector));
    },
  );

  it.each([
    ['json-none', jsonSerializer({ types, addTypeHeaders: 'false' }), order],
    ['json-mapped', jsonSerializer({ types }), order],
    ['json-key', jsonSerializer({ types, isKey: true }), order],
    ['json', jsonSerializer({ types: new JsonTypes({ types: { SerdeVectors$Order: Order } }) }), order],
  ] as const)('%s is written as there', (kind, serializer, make) => {
    const { value, hex, headers } = vectors.find((vector) => vector.kind === kind)!;
    expect(writtenBy(serializer, make(value))).toEqual({ hex, headers });
  });

  it('writes a list under the class that Java has for it, and names its elements', () => {
    const { value, hex } = vectors.find(({ kind }) => kind === 'json-list')!;
    expect(writtenBy(jsonSerializer({ types }), (value as unknown[]).map(order))).toEqual({
      hex,
      headers: [
        ['__TypeId__', 'java.util.ArrayList'],
        ['__ContentTypeId__', 'order'],
      ],
    });
  });
});
