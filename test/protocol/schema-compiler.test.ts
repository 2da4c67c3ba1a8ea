import { describe, expect, it } from '@jest/globals';
import { Fetch, JoinGroup, OffsetCommit, Produce } from '../../src/protocol/messages/index.js';
import { array, i16, i32, str, struct } from '../../src/protocol/schema.js';
import { MessageCodec } from '../../src/protocol/schema-compiler.js';
import { WireReader } from '../../src/protocol/wire-reader.js';

const nested = new MessageCodec(
  'Nested',
  { entries: array({ name: str, inner: struct({ id: i16.or(-1), extra: str.nullable().since(1).tag(3) }) }) },
  1,
);

describe('compiled codecs', () => {
  it('end every struct of a flexible version with a tagged section, and no other', () => {
    const message = { entries: [{ name: 'a', inner: { id: 1 } }] };
    expect(nested.toBuffer(0, message).toString('hex')).toBe('00000001' + '000161' + '0001');
    expect(nested.toBuffer(1, message).toString('hex')).toBe('02' + '0261' + '0001' + '00' + '00' + '00');
  });

  it('write a tagged field only when it differs from its default', () => {
    const hex = nested.toBuffer(1, { entries: [{ name: 'a', inner: { extra: 'x' } }] }).toString('hex');
    expect(hex).toBe('02' + '0261' + 'ffff' + '01' + '03' + '02' + '0278' + '00' + '00');
    const unknown = Buffer.from('02' + '0261' + 'ffff' + '02' + '03' + '02' + '0278' + '0701ee' + '00' + '00', 'hex');
    expect(nested.decode(new WireReader(unknown), 1)).toEqual({
      entries: [{ name: 'a', inner: { id: -1, extra: 'x' } }],
    });
  });

  it('name message, version and field of bytes that do not parse', () => {
    const bytes = OffsetCommit.request.toBuffer(5, {
      groupId: 'billing',
      generationIdOrMemberEpoch: 1,
      memberId: 'm',
      topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, committedOffset: 5 }] }],
    });
    const cut = new WireReader(bytes.subarray(0, bytes.length - 5));
    expect(() => OffsetCommit.request.decode(cut, 5)).toThrow(
      /in OffsetCommit request v5\.topics\.partitions\.committedOffset at byte \d+ of \d+/,
    );
  });

  it('name the field inside a tag too', () => {
    const bytes = Buffer.from('02' + '0261' + 'ffff' + '01' + '03' + '02' + '7f78' + '00' + '00', 'hex');
    expect(() => nested.decode(new WireReader(bytes), 1)).toThrow(/Nested v1\.entries\.inner\.extra/);
  });

  it('say null as the empty string where a version has no null', () => {
    const answer = { errorCode: 79, leader: '', memberId: 'm', members: [], protocolName: null };
    const v5 = JoinGroup.response.toBuffer(5, answer);
    expect(JoinGroup.response.decode(new WireReader(v5), 5).protocolName).toBe('');
    const v7 = JoinGroup.response.toBuffer(7, answer);
    expect(JoinGroup.response.decode(new WireReader(v7), 7).protocolName).toBeNull();
  });

  it('give fields that a version lacks their defaults, which nobody can change', () => {
    const bytes = Fetch.request.toBuffer(4, { maxWaitMs: 1, minBytes: 1, isolationLevel: 0, topics: [] });
    const message = Fetch.request.decode(new WireReader(bytes), 4);
    expect(message).toMatchObject({ sessionEpoch: -1, rackId: '', clusterId: null, forgottenTopicsData: [] });
    expect(() => message.forgottenTopicsData.push({ topic: 'x', topicId: '', partitions: [] })).toThrow(TypeError);
    expect(() => Object.assign(message.replicaState, { replicaId: 3 })).toThrow(TypeError);
  });

  it('take record bytes in several pieces and read them as one slice of the frame', () => {
    const pieces = [Buffer.alloc(2000, 1), Buffer.alloc(10, 2)];
    const request = {
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ name: 'orders', partitionData: [{ index: 0, records: pieces }] }],
    };
    for (const version of [3, 9]) {
      const bytes = Produce.request.toBuffer(version, request);
      const { records } = Produce.request.decode(new WireReader(bytes), version).topicData[0]!.partitionData[0]!;
      expect(records!.equals(Buffer.concat(pieces))).toBe(true);
      expect(records!.buffer).toBe(bytes.buffer);
    }
  });

  it('know arrays of primitives', () => {
    const codec = new MessageCodec('Numbers', { numbers: array(i32).nullable() }, 1);
    expect(codec.toBuffer(0, { numbers: [1, -1] }).toString('hex')).toBe('0000000200000001ffffffff');
    expect(codec.toBuffer(1, { numbers: null }).toString('hex')).toBe('0000');
    expect(codec.decode(new WireReader(Buffer.from('0200000005' + '00', 'hex')), 1)).toEqual({ numbers: [5] });
  });
});
