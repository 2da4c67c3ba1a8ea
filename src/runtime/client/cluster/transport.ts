import { type Api } from '../../../protocol/api.js';

// What a cluster needs of a transport: connections to addresses, bytes out, bytes back. Kafkajs's sockets are one,
// the broker's router in the same process is another.

export interface VersionRange {
  readonly min: number;
  readonly max: number;
}

/** One connection, authenticated and with its versions known. It never comes back once it is closed. */
export interface TransportConnection {
  /** Versions the peer serves, by API key. */
  readonly versions: ReadonlyMap<number, VersionRange>;
  isOpen(): boolean;
  /**
   * Sends one request; `body` is what stands after the client id. Resolves with the bytes after the correlation id,
   * with undefined at once when no answer is expected. Requests leave in the order of the calls.
   */
  request(api: Api, version: number, body: readonly Buffer[], expectResponse: boolean): Promise<Buffer | undefined>;
  /** Rejects what is under way with `reason` and gives the connection up at once. */
  close(reason: Error): void;
}

export interface Transport {
  /** Connects and authenticates. Rejects with `signal.reason` when that aborts first. */
  open(host: string, port: number, signal: AbortSignal): Promise<TransportConnection>;
  /** Nobody holds any part of the answer that these bytes lie in any more. */
  release(answered: Buffer): void;
}
