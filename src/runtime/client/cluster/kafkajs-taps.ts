import kafkajs, { type KafkaConfig } from 'kafkajs';
import { NestdawError } from '../../../common/errors.js';
import { CORRELATION_ID_BYTES, SIZE_PREFIX_BYTES } from '../../../protocol/frame.js';
import { frameSocket } from './frame-socket.js';

// The only file that touches kafkajs's insides. Version 2.2.4 is pinned, so they do not move; a patched or replaced
// package is refused with the name of what is missing. We take sockets, TLS, SASL and the version exchange, nothing
// else: kafkajs refuses a whole metadata answer when one topic of it has an error, so metadata is asked for above.

const CREATE_CLUSTER = 'private:Kafka:createCluster';

/** Node's socket, plain or TLS. */
export interface TappedSocket {
  write(bytes: Buffer): boolean;
  /** What is written from now on leaves together, at `uncork`. */
  cork(): void;
  uncork(): void;
  destroy(error?: Error): void;
  destroySoon(): void;
  setNoDelay(on: boolean): void;
  /** Whether it keeps the process alive. */
  ref(): unknown;
  unref(): unknown;
}

/** A request as the queue takes it: sent at once, then kept until the answer with its correlation id is there. */
export interface QueuedRequest {
  readonly entry: {
    readonly apiKey: number;
    readonly apiName: string;
    readonly apiVersion: number;
    readonly correlationId: number;
    /** Without a payload where no answer is expected. */
    resolve(answer: { readonly payload: Buffer | null }): void;
    reject(error: Error): void;
  };
  readonly expectResponse: boolean;
  sendRequest(): void;
}

/** One socket to one broker, as kafkajs builds it. */
export interface TappedConnection {
  /** Undefined until it connects. */
  readonly socket?: TappedSocket;
  readonly requestQueue: {
    readonly pending: readonly unknown[];
    push(request: QueuedRequest): void;
    fulfillRequest(answer: { readonly correlationId: number; readonly size: number; readonly payload: Buffer }): void;
    scheduleCheckPendingRequests(): void;
  };
  readonly clientId: string;
  /** Present while it logs in: then what comes is no answer to a request. */
  readonly authHandlers?: object | null;
  /** Told what its socket has read. */
  processData(bytes: Buffer): void;
  /** How it logs in; null: not at all. */
  readonly sasl: object | null;
  /** Whether it has logged in, and the session lasts for some seconds more. */
  isAuthenticated(): boolean;
  isConnected(): boolean;
  /** Throws when it is not. */
  failIfNotConnected(): void;
  nextCorrelationId(): number;
  send(protocol: {
    request: {
      apiKey: number;
      apiVersion: number;
      apiName: string;
      encode(): { buf: Buffer; buffer: Buffer };
      expectResponse(): boolean;
    };
    response: { decode(payload: Buffer): { payload: Buffer }; parse(decoded: { payload: Buffer }): Buffer };
    logResponseError: boolean;
  }): Promise<Buffer | undefined>;
  rejectRequests(error: Error): void;
  disconnect(): Promise<unknown>;
}

/** A broker with a connection that is not open yet. */
export interface TappedBroker {
  readonly connection: TappedConnection;
  /** Connects, exchanges versions, authenticates. */
  connect(): Promise<void>;
  /** Known after `connect`. */
  versions(): Readonly<Record<string, { minVersion: number; maxVersion: number }>>;
}

export interface KafkajsTaps {
  broker(host: string, port: number): Promise<TappedBroker>;
}

/** Reaches the members once and checks each; throws KAFKA_TRANSPORT_INCOMPATIBLE naming the first that is missing. */
export function tapKafkajs(config: KafkaConfig): KafkajsTaps {
  const kafka = new kafkajs.Kafka({ ...config, socketFactory: frameSocket });
  const symbol = Object.getOwnPropertySymbols(kafka).find(({ description }) => description === CREATE_CLUSTER);
  if (!symbol) return missing(`the symbol ${CREATE_CLUSTER}`);
  const createCluster = (kafka as unknown as Record<symbol, unknown>)[symbol];
  if (typeof createCluster !== 'function') return missing(`the function behind ${CREATE_CLUSTER}`);
  // No limit on requests in flight: queued ones would wait without a time-out, so the callers count.
  const cluster: unknown = createCluster({ allowAutoTopicCreation: false, maxInFlightRequests: null });
  const build = method(cluster, 'cluster', 'connectionPoolBuilder', 'build');
  const createBroker = method(cluster, 'cluster', 'brokerPool', 'createBroker');
  const logger = member(cluster, 'cluster', 'rootLogger');
  return {
    async broker(host, port) {
      const connectionPool: unknown = await build({ host, port });
      const broker = createBroker({ connectionPool, logger });
      const connection = tappedConnection(connectionPool);
      const connect = method(broker, 'broker', 'connect');
      return {
        connection,
        connect: async () => void (await connect()),
        versions: () => member(broker, 'broker', 'versions') as ReturnType<TappedBroker['versions']>,
      };
    },
  };
}

const METHODS = [
  'isAuthenticated',
  'isConnected',
  'failIfNotConnected',
  'nextCorrelationId',
  'processData',
  'send',
  'rejectRequests',
  'disconnect',
];

const QUEUE_METHODS = ['push', 'fulfillRequest', 'scheduleCheckPendingRequests'];

function tappedConnection(connectionPool: unknown): TappedConnection {
  const connection = member(connectionPool, 'connectionPool', 'pool', '0');
  for (const name of METHODS) method(connection, 'connection', name);
  member(connection, 'connection', 'clientId');
  member(connection, 'connection', 'requestQueue', 'pending', 'length');
  for (const name of QUEUE_METHODS) method(connection, 'connection', 'requestQueue', name);
  const tapped = connection as TappedConnection;
  stopIdleTimer(tapped.requestQueue);
  takeFrames(tapped);
  return tapped;
}

/** After its first answer the queue would arm a timer of one millisecond for ever; only a queue with work needs it. */
function stopIdleTimer(queue: TappedConnection['requestQueue']): void {
  const stock = queue.scheduleCheckPendingRequests.bind(queue);
  queue.scheduleCheckPendingRequests = () => {
    if (queue.pending.length > 0) stock();
  };
}

/**
 * Kafkajs would join what came, and copy it all once more for each answer. Its sockets here give whole frames; those of
 * a login go its own way, which knows them by their bytes.
 */
function takeFrames(connection: TappedConnection): void {
  const stock = connection.processData.bind(connection);
  connection.processData = (frame) => {
    if (connection.authHandlers) {
      const size = Buffer.alloc(SIZE_PREFIX_BYTES);
      size.writeInt32BE(frame.length);
      stock(Buffer.concat([size, frame]));
      return;
    }
    const correlationId = frame.readInt32BE(0);
    const payload = frame.subarray(CORRELATION_ID_BYTES);
    connection.requestQueue.fulfillRequest({ correlationId, size: frame.length, payload });
  };
}

function member(root: unknown, rootName: string, ...path: readonly string[]): unknown {
  let value = root;
  for (const [depth, name] of path.entries()) {
    value = (value as Record<string, unknown> | null | undefined)?.[name];
    if (value === undefined || value === null) return missing([rootName, ...path.slice(0, depth + 1)].join('.'));
  }
  return value;
}

function method(root: unknown, rootName: string, ...path: readonly string[]): (...args: unknown[]) => unknown {
  const owner = path.length > 1 ? member(root, rootName, ...path.slice(0, -1)) : root;
  const found = member(root, rootName, ...path);
  if (typeof found !== 'function') return missing(`${[rootName, ...path].join('.')}()`);
  return (...args) => found.apply(owner, args) as unknown;
}

function missing(name: string): never {
  throw new NestdawError(
    'KAFKA_TRANSPORT_INCOMPATIBLE',
    `kafkajs does not have ${name}: the package found is not the kafkajs 2.2.4 that this version works with; reinstall it (npm ls kafkajs shows who brings which)`,
  );
}
