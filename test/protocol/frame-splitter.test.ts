import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FrameSplitter } from '../../src/protocol/frame.js';
import { FrameRooms } from '../../src/protocol/frame-rooms.js';

function framed(...contents: Buffer[]): Buffer {
  return Buffer.concat(
    contents.flatMap((content) => {
      const size = Buffer.alloc(4);
      size.writeInt32BE(content.length, 0);
      return [size, content];
    }),
  );
}

function split(chunks: Buffer[], maxBytes = 1000): Buffer[] {
  const splitter = new FrameSplitter(maxBytes);
  const frames: Buffer[] = [];
  for (const chunk of chunks) splitter.push(chunk, (frame) => frames.push(frame));
  expect(splitter.pendingBytes).toBe(0);
  return frames;
}

const contents = [Buffer.from('first'), Buffer.alloc(0), Buffer.from('x'), Buffer.alloc(100, 7), Buffer.alloc(0)];
const stream = framed(...contents);

describe('FrameSplitter', () => {
  it('finds the frames wherever the stream is cut in two', () => {
    for (let cut = 0; cut <= stream.length; cut++) {
      expect(split([stream.subarray(0, cut), stream.subarray(cut)])).toEqual(contents);
    }
  });

  it('finds them in single bytes', () => {
    expect(split([...stream].map((byte) => Buffer.from([byte])))).toEqual(contents);
  });

  it('finds them in any pieces', () => {
    const frames = fc.array(
      fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 30 }), (expected, lengths) => {
        const whole = framed(...expected);
        const chunks: Buffer[] = [];
        let at = 0;
        for (const length of lengths) {
          chunks.push(whole.subarray(at, at + length));
          at += length;
        }
        chunks.push(whole.subarray(at));
        expect(split(chunks)).toEqual(expected);
      }),
    );
  });

  it('slices a frame that lies in one chunk', () => {
    const [first, , , fourth] = split([stream]);
    expect(first!.buffer).toBe(stream.buffer);
    expect(fourth!.buffer).toBe(stream.buffer);
  });

  it('assembles a large frame whole', () => {
    const large = Buffer.alloc(300_000);
    for (let i = 0; i < large.length; i += 4) large.writeInt32BE(i, i);
    const bytes = framed(large, Buffer.from('next'));
    const chunks: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += 9999) chunks.push(bytes.subarray(at, at + 9999));
    const [first, second] = split(chunks, 1_000_000);
    expect(first!.equals(large)).toBe(true);
    expect(second!.toString()).toBe('next');
  });

  it('makes no room for bytes that are only announced', () => {
    const before = process.memoryUsage().arrayBuffers;
    const splitters = Array.from({ length: 20 }, () => new FrameSplitter(0x7fff_ffff));
    for (const each of splitters) each.push(Buffer.from('6fffffff00', 'hex'), () => undefined);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024);
    expect(splitters[0]!.pendingBytes).toBe(1);
  });

  it.each([
    ['negative', Buffer.from('ffffffff', 'hex')],
    ['too large', Buffer.from('000003e9', 'hex')],
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\n')],
  ])('refuses a size that is %s', (_what, bytes) => {
    const malformed = expect.objectContaining({ code: 'KAFKA_PROTOCOL_MALFORMED' });
    expect(() => split([bytes])).toThrow(malformed);
    expect(() => split([...bytes].map((byte) => Buffer.from([byte])))).toThrow(malformed);
  });

  it('copies what it keeps of chunks that are lent', () => {
    const splitter = new FrameSplitter(1000, undefined, true);
    const frames: Buffer[] = [];
    const chunk = Buffer.from(stream);
    splitter.push(chunk, (frame) => frames.push(frame));
    chunk.fill(0xff);
    expect(frames).toEqual(contents);
  });

  it('has large frames read to where they are assembled, and everything else pushed', () => {
    const sizes = fc.array(fc.oneof(fc.nat(200), fc.integer({ min: 30_000, max: 200_000 })), { maxLength: 5 });
    fc.assert(
      fc.property(sizes, fc.array(fc.integer({ min: 1, max: 90_000 }), { minLength: 1 }), (lengths, reads) => {
        const expected = lengths.map((length, i) => Buffer.alloc(length, i + 1));
        const whole = framed(...expected);
        const frames: Buffer[] = [];
        const onFrame = (frame: Buffer): void => void frames.push(frame);
        const splitter = new FrameSplitter(1_000_000, new FrameRooms(1 << 20), true);
        const shared = Buffer.alloc(64 * 1024);
        for (let at = 0, i = 0; at < whole.length; i++) {
          const space = splitter.space();
          const memory = space ?? shared;
          const bytes = whole.copy(memory, 0, at, Math.min(whole.length, at + reads[i % reads.length]!));
          if (space) splitter.advance(bytes, onFrame);
          else splitter.push(memory.subarray(0, bytes), onFrame);
          at += bytes;
        }
        expect(frames.length).toBe(expected.length);
        for (const [i, frame] of frames.entries()) expect(frame.equals(expected[i]!)).toBe(true);
        expect(splitter.pendingBytes).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('offers no space beyond the frame, none for bytes that are only announced, and none for a small rest', () => {
    const splitter = new FrameSplitter(0x7fff_ffff, undefined, true);
    const frames: Buffer[] = [];
    const onFrame = (frame: Buffer): void => void frames.push(frame);
    expect(splitter.space()).toBeUndefined();
    const beginning = framed(Buffer.alloc(100_000, 7)).subarray(0, 30_004);
    splitter.push(beginning.subarray(0, 4), onFrame);
    expect(splitter.space()).toBeUndefined();
    splitter.push(beginning.subarray(4), onFrame);
    expect(splitter.space()).toHaveLength(70_000);
    splitter.space()!.fill(7, 0, 60_000);
    splitter.advance(60_000, onFrame);
    expect(splitter.space()).toBeUndefined();
    splitter.push(Buffer.alloc(10_000, 7), onFrame);
    expect(frames[0]!.equals(Buffer.alloc(100_000, 7))).toBe(true);
    splitter.push(Buffer.from('7fffffff00', 'hex'), onFrame);
    expect(splitter.space()!.length).toBeLessThanOrEqual(64 * 1024);
  });

  it('takes a frame of exactly the limit', () => {
    expect(split([framed(Buffer.alloc(1000))])).toHaveLength(1);
  });
});
