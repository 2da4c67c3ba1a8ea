import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { hasCode } from '../../src/common/errors.js';
import { type Api } from '../../src/protocol/api.js';
import { apisByKey } from '../../src/protocol/api-keys.js';
import { type MessageCodec } from '../../src/protocol/schema-compiler.js';
import { WireReader } from '../../src/protocol/wire-reader.js';
import { defaultMessage, messageArbitrary } from '../support/message-arbitrary.js';

// Every API in every version and both directions: what is written is read back, and no bytes whatsoever make the
// reader fail with anything but KAFKA_PROTOCOL_MALFORMED.

interface Case {
  readonly codec: MessageCodec<any>;
  readonly version: number;
  readonly flexible: boolean;
}

function casesOf(api: Api): Case[] {
  const cases: Case[] = [];
  for (let version = api.minVersion; version <= api.maxVersion; version++) {
    const flexible = version >= api.flexibleFrom;
    cases.push({ codec: api.request, version, flexible }, { codec: api.response, version, flexible });
  }
  return cases;
}

const apis = [...apisByKey.values()].map((api) => [`${api.key} ${api.name}`, api] as const);
const messagesOf = ({ codec, version, flexible }: Case) => messageArbitrary(codec.fields, version, flexible);

/** What reading the bytes leads to: the message, or undefined when they are refused as malformed. */
function read({ codec, version }: Case, bytes: Buffer): unknown {
  try {
    return codec.decode(new WireReader(bytes), version);
  } catch (error) {
    if (hasCode(error, 'KAFKA_PROTOCOL_MALFORMED')) return undefined;
    throw error;
  }
}

describe.each(apis)('%s', (_name, api) => {
  it('reads back what it wrote, to the last byte', () => {
    for (const each of casesOf(api)) {
      fc.assert(
        fc.property(messagesOf(each), (message) => {
          const bytes = each.codec.toBuffer(each.version, message);
          const reader = new WireReader(bytes);
          const decoded = each.codec.decode(reader, each.version);
          expect(reader.remaining).toBe(0);
          // Much faster than toStrictEqual; the counterexample is printed in any case.
          expect(isDeepStrictEqual(decoded, message)).toBe(true);
        }),
        { numRuns: 25 },
      );
    }
  });

  it('refuses every prefix, and survives changed bytes', () => {
    for (const each of casesOf(api)) {
      fc.assert(
        fc.property(messagesOf(each), fc.nat(), fc.nat(), fc.nat(255), (message, cut, place, byte) => {
          const bytes = each.codec.toBuffer(each.version, message);
          if (bytes.length === 0) return;
          expect(read(each, bytes.subarray(0, cut % bytes.length))).toBeUndefined();
          bytes[place % bytes.length] = byte;
          read(each, bytes);
        }),
        { numRuns: 20 },
      );
    }
  });

  it('skips tags it does not know', () => {
    for (const each of casesOf(api).filter(({ flexible }) => flexible)) {
      const message = defaultMessage(each.codec.fields, each.version);
      const bytes = each.codec.toBuffer(each.version, message);
      expect(bytes.at(-1)).toBe(0); // the empty tagged section of the message itself
      const tagged = Buffer.concat([bytes.subarray(0, -1), Buffer.from([2, 0x63, 3, 1, 2, 3, 0x80, 1, 0])]);
      const reader = new WireReader(tagged);
      expect(each.codec.decode(reader, each.version)).toStrictEqual(message);
      expect(reader.remaining).toBe(0);
    }
  });
});
