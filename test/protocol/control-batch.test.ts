import { describe, expect, it } from '@jest/globals';
import {
  decodeBatch,
  decodeControlRecord,
  encodeControlBatch,
  encodeRecords,
  sealCrc,
  verifyCrc,
} from '../../src/protocol/record-batch.js';
import * as header from '../../src/protocol/record-batch-header.js';

const T = 1_700_000_000_000;

const commit = () =>
  encodeControlBatch({ type: 'commit', producerId: 7n, producerEpoch: 3, coordinatorEpoch: 0, timestamp: T });

describe('control batches', () => {
  it('have the bytes that Kafka writes', () => {
    const batch = commit();
    header.setBaseOffset(batch, 0, 42);
    header.setLeaderEpoch(batch, 0, 0);
    expect(batch.toString('hex')).toBe(
      '000000000000002a' +
        '00000042' +
        '00000000' +
        '02' +
        '9b250fb6' +
        '0030' +
        '00000000' +
        '0000018bcfe56800' +
        '0000018bcfe56800' +
        '0000000000000007' +
        '0003' +
        'ffffffff' +
        '00000001' +
        '2000000008' +
        '00000001' +
        '0c' +
        '000000000000' +
        '00',
    );
    expect(verifyCrc(batch)).toBe(true);
  });

  it('are read back', () => {
    expect(decodeControlRecord(commit())).toEqual({ type: 'commit', coordinatorEpoch: 0 });
    const abort = encodeControlBatch({
      type: 'abort',
      producerId: 1n,
      producerEpoch: 0,
      coordinatorEpoch: 12,
      timestamp: T,
    });
    expect(decodeControlRecord(abort)).toEqual({ type: 'abort', coordinatorEpoch: 12 });
    expect(header.isControl(abort)).toBe(true);
    expect(header.isTransactional(abort)).toBe(true);
  });

  it('of other kinds are told apart', () => {
    const leaderChange = encodeRecords([{ key: Buffer.from('00000002', 'hex'), value: Buffer.alloc(3) }], {
      timestamp: T,
    });
    header.setAttributes(leaderChange, 0, header.CONTROL_BIT);
    sealCrc(leaderChange);
    expect(decodeControlRecord(leaderChange)).toEqual({ type: 'other', coordinatorEpoch: -1 });
  });

  it('never reach a consumer as records', () => {
    const out: never[] = [];
    decodeBatch('orders', 0, commit(), 0, 78, 0, out);
    expect(out).toEqual([]);
  });

  it('must be control batches, with a key and a value', () => {
    const malformed = expect.objectContaining({ code: 'KAFKA_PROTOCOL_MALFORMED' });
    const plain = encodeRecords([{ key: Buffer.from('00000001', 'hex'), value: Buffer.alloc(6) }], { timestamp: T });
    expect(() => decodeControlRecord(plain)).toThrow(malformed);
    for (const record of [
      { key: null, value: Buffer.alloc(6) },
      { key: Buffer.alloc(3), value: Buffer.alloc(6) },
      { key: Buffer.alloc(4), value: null },
      { key: Buffer.alloc(4), value: Buffer.alloc(5) },
    ]) {
      const batch = encodeRecords([record], { timestamp: T });
      header.setAttributes(batch, 0, header.CONTROL_BIT);
      expect(() => decodeControlRecord(batch)).toThrow(malformed);
    }
  });
});
