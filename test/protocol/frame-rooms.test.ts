import { describe, expect, it } from '@jest/globals';
import { FrameRooms } from '../../src/protocol/frame-rooms.js';
import { FrameSplitter } from '../../src/protocol/frame-splitter.js';

const MEGABYTE = 1024 * 1024;

function framed(bytes: Buffer): Buffer {
  const size = Buffer.alloc(4);
  size.writeInt32BE(bytes.length);
  return Buffer.concat([size, bytes]);
}

describe('FrameRooms', () => {
  it('hands out again what was released, and nothing that somebody may still hold', () => {
    const rooms = new FrameRooms(8 * MEGABYTE);
    const first = rooms.take(MEGABYTE);
    expect(rooms.take(MEGABYTE).buffer).not.toBe(first.buffer);
    rooms.release(first.subarray(100, 200));
    rooms.release(first);
    const again = rooms.take(700_000);
    expect(again.buffer).toBe(first.buffer);
    expect(again.length).toBeGreaterThanOrEqual(700_000);
    expect(rooms.take(700_000).buffer).not.toBe(first.buffer);
  });

  it('takes back only what it gave out, and keeps no more than it may', () => {
    const rooms = new FrameRooms(MEGABYTE);
    const foreign = Buffer.allocUnsafeSlow(MEGABYTE);
    rooms.release(foreign);
    expect(rooms.take(MEGABYTE).buffer).not.toBe(foreign.buffer);
    const [one, two] = [rooms.take(MEGABYTE), rooms.take(MEGABYTE)];
    rooms.release(one);
    rooms.release(two);
    expect(rooms.take(MEGABYTE).buffer).toBe(one.buffer);
    expect(rooms.take(MEGABYTE).buffer).not.toBe(two.buffer);
  });

  it('gives rooms for large frames, which come out whole while earlier ones are still held', () => {
    const rooms = new FrameRooms(8 * MEGABYTE);
    const splitter = new FrameSplitter(100 * MEGABYTE, rooms);
    const frames: Buffer[] = [];
    const sent = [3, 200_000, 10, 1_500_000, 6_000_000, 200_000].map((size, i) => Buffer.alloc(size, i + 1));
    const stream = Buffer.concat(sent.map(framed));
    for (let at = 0; at < stream.length; at += 65_536) {
      splitter.push(Buffer.from(stream.subarray(at, at + 65_536)), (frame) => frames.push(frame));
    }
    expect(frames.map((frame, i) => frame.equals(sent[i]!))).toEqual(sent.map(() => true));
    const second = frames[1]!;
    rooms.release(second);
    splitter.push(framed(sent[5]!).subarray(0, 100_000), () => undefined);
    splitter.push(framed(sent[5]!).subarray(100_000), (frame) => frames.push(frame));
    expect(frames.at(-1)!.buffer).toBe(second.buffer);
    expect(frames.at(-1)!.equals(sent[5]!)).toBe(true);
  });
});
