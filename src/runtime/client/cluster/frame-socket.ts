import { connect as connectPlain, isIP, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type ISocketFactoryArgs } from 'kafkajs';
import { FrameRooms } from '../../../protocol/frame-rooms.js';
import { FrameSplitter } from '../../../protocol/frame-splitter.js';

// Sockets that read straight to where a frame is assembled: no memory of 64 KB for each read, and no copy when an
// answer is whole. Their 'data' is one frame each, without the size in front of it.

const KEEP_ALIVE_DELAY_MS = 60_000;
const READ_BYTES = 64 * 1024;
/** What a size in front of a frame can say; a broker's answers have no other limit, as for Kafka's own clients. */
const MAX_FRAME_BYTES = 0x7fff_ffff;
/** A usual answer to a fetch has its whole room once the first read's bytes are there. */
const AHEAD = 64;

/** Kept for answers to come. A fetch brings 1 MB a partition, by default, and the next one is under way meanwhile. */
const MAX_SPARE_ROOM_BYTES = 32 * 1024 * 1024;

// Both for the sockets of this thread together. What is read is taken over in the same turn.
const readMemory = Buffer.allocUnsafeSlow(READ_BYTES);
const rooms = new FrameRooms(MAX_SPARE_ROOM_BYTES, MAX_SPARE_ROOM_BYTES);

/** As kafkajs makes its sockets, TLS or not. */
export function frameSocket({ host, port, ssl, onConnect }: ISocketFactoryArgs): Socket {
  const splitter = new FrameSplitter(MAX_FRAME_BYTES, rooms, true, AHEAD);
  const onFrame = (frame: Buffer): void => void socket.emit('data', frame);
  const onread: OnReadOpts = {
    buffer: () => splitter.space() ?? readMemory,
    callback(bytes, into) {
      try {
        if (into === readMemory) splitter.push(readMemory.subarray(0, bytes), onFrame);
        else splitter.advance(bytes, onFrame);
      } catch (error) {
        // No frame boundary can be found any more, so there is no request that an answer could be matched to.
        socket.destroy(error as Error);
      }
      return true;
    },
  };
  const to = { host, port, onread };
  const socket: Socket = ssl
    ? connectTls(isIP(host) === 0 ? { ...to, servername: host, ...ssl } : { ...to, ...ssl }, onConnect)
    : connectPlain(to, onConnect);
  return socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
}

/** Nobody holds any part of the frame that these bytes lie in any more: its memory takes the next one. */
export function releaseFrame(bytes: Buffer): void {
  rooms.release(bytes);
}
