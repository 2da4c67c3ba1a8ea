import { setMaxListeners } from 'node:events';
import { resolve } from 'node:path';
import { type Clock, systemClock } from '../common/clock.js';
import { acquireDirectoryLock, type DirectoryLock } from '../common/directory-lock.js';
import { messageOf, NestdawError } from '../common/errors.js';
import { DisposalStack } from '../common/lifecycle.js';
import { type Logger, silentLogger } from '../common/logger.js';
import { type Random, systemRandom } from '../common/random.js';
import { FrameRooms } from '../protocol/frame-rooms.js';
import { BrokerConfig, settingsWithoutEffect } from './broker-config.js';
import { type BrokerHealth, type BrokerMetrics, BrokerWatch } from './broker-metrics.js';
import { type Address, connectionsOf, listenerOf } from './config/listener.js';
import { TopicConfig } from './config/topic-config.js';
import { groupConfigOf } from './coordinator/group/group-config.js';
import { GroupCoordinator } from './coordinator/group/group-coordinator.js';
import { transactionConfigOf } from './coordinator/transaction/transaction-config.js';
import { TransactionCoordinator } from './coordinator/transaction/transaction-coordinator.js';
import { FetchPurgatory } from './fetch/fetch-purgatory.js';
import { FetchSessions } from './fetch/fetch-sessions.js';
import { allHandlers } from './handlers/index.js';
import { InternalTopicLog } from './internal-topic-log.js';
import { type CleanerSettings } from './log/cleaner/log-cleaner.js';
import { readBootId } from './log/directory/boot-id.js';
import { kafkaLockHolder } from './log/directory/kafka-lock.js';
import { descriptorLimit } from './log/disk/descriptor-limit.js';
import { DiskFileSystem } from './log/disk/disk-file-system.js';
import { type FileSystem } from './log/disk/file-system.js';
import { MemoryFileSystem } from './log/disk/memory-file-system.js';
import { LogManager } from './log/log-manager.js';
import { ClusterMetadata } from './metadata/cluster-metadata.js';
import { OFFSETS_TOPIC, TRANSACTION_TOPIC } from './metadata/topic-name.js';
import { type Answer, type Peer, RequestRouter } from './network/request-router.js';
import { TcpServer } from './network/tcp-server.js';
import { RootLogger } from './root-logger.js';
import { PartitionMarkers } from './transaction-markers.js';

// The composition root: builds every part, starts them in order and stops them in reverse.

export interface BrokerOptions {
  /** Address to listen on and to tell clients. Default: that of `listeners` in `config`, else 127.0.0.1. */
  readonly host?: string;
  /**
   * Port to listen on, or several to try in order; 0 takes any free one. Default: that of `listeners` in `config`,
   * else 9092.
   */
  readonly port?: number | readonly number[];
  /**
   * Folder to store in, made when it is missing. Default: those that `log.dirs` in `config` names, else everything
   * stays in memory.
   */
  readonly dataDir?: string;
  /** Broker settings under Kafka's own names, such as `num.partitions`. Default none. */
  readonly config?: Readonly<Record<string, string>>;
  /** Default: says nothing. */
  readonly logger?: Logger;
  /** Default: the machine's clock. */
  readonly clock?: Clock;
  /** Default: the machine's randomness. */
  readonly random?: Random;
  /** Default: the disk when there is a folder to store in, else memory. */
  readonly fileSystem?: FileSystem;
  /** Names the running boot of the machine, after which unsynced data may be gone. Default: asked of the system. */
  readonly bootId?: string;
}

const DEFAULT_HOST = '127.0.0.1';
/** Folder of a broker in memory, as DescribeLogDirs names it. */
const MEMORY_DIRECTORY = '/nestdaw';
/** Time that requests in work get to be answered when the broker stops. */
const STOP_GRACE_MS = 1000;
/** Read of a socket at once, as long as nothing is known of the request. */
const READ_BYTES = 64 * 1024;
/** Memory kept for the next large requests, all connections together. */
const MAX_SPARE_ROOM_BYTES = 16 * 1024 * 1024;
/** Bytes that may wait on one connection, unless `queued.max.request.bytes` says otherwise. */
const MAX_WAITING_BYTES = 1024 * 1024;

/** A Kafka broker in this process: one node, the real protocol, the real file format. */
export class Broker {
  readonly #stack: DisposalStack;
  readonly #router: RequestRouter;
  readonly #watch: BrokerWatch;
  readonly #gone = new AbortController();
  #stopping: Promise<void> | undefined;

  private constructor(
    /** Address for clients; where all interfaces are listened on, the one for clients of this machine. */
    readonly host: string,
    /** Port that is listened on, also when any free one was asked for. */
    readonly port: number,
    /** Id of the cluster that this node is, the same after every start on its folder. */
    readonly clusterId: string,
    { router, watch, stack }: StartedParts,
  ) {
    this.#router = router;
    this.#watch = watch;
    this.#stack = stack;
    // Of each fetch that waits without a connection of its own.
    setMaxListeners(0, this.#gone.signal);
  }

  /**
   * Starts a broker; resolves when clients can connect and all that was stored before is readable. Throws
   * KAFKA_CONFIG_INVALID, KAFKA_BROKER_START_FAILED (port in use), KAFKA_DATA_DIR_LOCKED (another broker runs on the
   * folder), KAFKA_DATA_DIR_INVALID or KAFKA_STORAGE_FAILED; nothing is left open then.
   */
  static async start(options: BrokerOptions = {}): Promise<Broker> {
    const stack = new DisposalStack();
    try {
      return await startParts(options, stack, (...args) => new Broker(...args));
    } catch (error) {
      await stack.dispose().catch((second: unknown) => {
        options.logger?.error(`clean-up after a failed start failed too: ${messageOf(second)}`, second);
      });
      throw error;
    }
  }

  /** Address for clients, as they take it in `bootstrap.servers`. */
  get bootstrapServers(): string {
    return `${this.host.includes(':') ? `[${this.host}]` : this.host}:${this.port}`;
  }

  /**
   * Answers one request without a socket: the frame without its size prefix in, the answer's bytes with it out, in
   * pieces. Undefined when the request wants no answer, 'close' when a connection would be closed. Requests of one
   * client must not overtake each other: wait for the answer before you hand in the next.
   */
  async exchange(frame: Buffer, peer?: Partial<Peer>): Promise<Answer> {
    if (this.#stopping) return 'close';
    return this.#router.exchange(frame, {
      clientHost: '/127.0.0.1',
      advertised: { host: this.host, port: this.port },
      closed: this.#gone.signal,
      ...peer,
    });
  }

  /** Like `exchange`, with the answer in one piece and without its size prefix. Throws when it would be a close. */
  async exchangeFrame(frame: Buffer, peer?: { readonly closed?: AbortSignal }): Promise<Buffer | undefined> {
    const answer = await this.exchange(frame, peer?.closed && { closed: peer.closed });
    if (answer === 'close') {
      throw new NestdawError('KAFKA_CONNECTION_FAILED', 'the broker closed the connection', { retriable: true });
    }
    return answer && Buffer.concat(answer as Buffer[]).subarray(4);
  }

  /** Counts since the start, and how much of some things there is now. */
  metrics(): BrokerMetrics {
    return this.#watch.metrics();
  }

  /** What is wrong, partition by partition, and why. */
  health(): BrokerHealth {
    return this.#watch.health();
  }

  /**
   * Takes no further request, answers those in work, writes what a quick next start needs, and releases the folder.
   * Harmless when repeated.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stack.dispose().finally(() => this.#gone.abort());
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

interface StartedParts {
  readonly router: RequestRouter;
  readonly watch: BrokerWatch;
  readonly stack: DisposalStack;
}

type Assemble = (host: string, port: number, clusterId: string, parts: StartedParts) => Broker;

async function startParts(options: BrokerOptions, stack: DisposalStack, assemble: Assemble): Promise<Broker> {
  const { clock = systemClock, random = systemRandom } = options;
  const logger = new RootLogger(options.logger ?? silentLogger);
  const config = new BrokerConfig(settingsOf(options));
  for (const sentence of settingsWithoutEffect(options.config ?? {})) logger.warn(sentence);
  const place = placeOf(options, config);
  const { fileSystem } = place;
  const storage = await openStorage(place, options, { config, clock, random, logger }, stack);
  const { logs, locks } = storage;
  let brokerEpoch = -1;
  stack.defer(() => logs.stop(brokerEpoch));

  const metadata = new ClusterMetadata({ logs, fileSystem, config, clock, random, logger });
  const purgatory = new FetchPurgatory(clock);
  const groups = new GroupCoordinator({
    log: new InternalTopicLog(OFFSETS_TOPIC, metadata, clock),
    topics: { partitionCount: (name) => metadata.topics.get(name)?.partitions.length },
    config: groupConfigOf(config),
    clock,
    random,
    logger,
  });
  metadata.topics.onRemoval(({ name }) => {
    if (name !== OFFSETS_TOPIC) groups.onTopicDeleted(name);
  });
  const markers = new PartitionMarkers(metadata.topics, groups, clock);
  const transactions = new TransactionCoordinator({
    log: new InternalTopicLog(TRANSACTION_TOPIC, metadata, clock),
    markers,
    producerIds: metadata.producerIds,
    config: transactionConfigOf(config),
    version: () => metadata.transactionVersion,
    clock,
    logger,
  });
  stack.defer(() => metadata.unregister());
  await groups.start();
  await transactions.start();

  const slots = config.number('max.incremental.fetch.session.cache.slots');
  const sessions = new FetchSessions({ clock, random, slots });
  const rooms = new FrameRooms(MAX_SPARE_ROOM_BYTES);
  const parts = { config, metadata, purgatory, sessions, logs, fileSystem, rooms, clock, logger, rootLogger: logger };
  const router = new RequestRouter(allHandlers(parts, { groups, transactions, markers }), logger);
  const { server, host } = createServer(options, { config, clock, logger, router, rooms });
  // Requests in work are woken and answered before the connections end; what they wait for must not be gone by then.
  stack.defer(async () => {
    const ended = server.stop(STOP_GRACE_MS);
    purgatory.close();
    await transactions.stop();
    await groups.stop();
    await ended;
  });
  await server.start();
  await metadata.register({ host, port: server.port });
  brokerEpoch = metadata.brokerEpoch;
  const watch = new BrokerWatch({ server, purgatory, logs });
  const broker = assemble(host, server.port, logs.clusterId, { router, watch, stack });
  for (const lock of locks) lock.announce(broker.bootstrapServers);
  return broker;
}

/** With the folder among them, for whoever asks what the broker is configured with. */
function settingsOf({ config = {}, dataDir }: BrokerOptions): Readonly<Record<string, string>> {
  // A comma in the name would make it two.
  return dataDir === undefined || dataDir.includes(',') ? config : { ...config, 'log.dirs': resolve(dataDir) };
}

interface Place {
  readonly fileSystem: FileSystem;
  /** At least one; the metadata log is in the first. */
  readonly directories: readonly string[];
}

/** Where the data is: folders on the disk, or memory. */
function placeOf({ dataDir, fileSystem }: BrokerOptions, config: BrokerConfig): Place {
  const folders = dataDir === undefined ? config.list('log.dirs') : [dataDir];
  const single = config.text('log.dir');
  if (folders.length === 0 && single !== null) folders.push(single);
  if (folders.length === 0) {
    return { fileSystem: fileSystem ?? new MemoryFileSystem(), directories: [MEMORY_DIRECTORY] };
  }
  const directories = fileSystem ? folders : folders.map((folder) => resolve(folder));
  const twice = directories.find((directory, i) => directories.indexOf(directory) < i);
  if (twice !== undefined) throw new NestdawError('KAFKA_CONFIG_INVALID', `'log.dirs' names ${twice} twice`);
  return { fileSystem: fileSystem ?? new DiskFileSystem(), directories };
}

interface Basics {
  readonly config: BrokerConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

async function openStorage(place: Place, { bootId }: BrokerOptions, basics: Basics, stack: DisposalStack) {
  const { fileSystem, directories } = place;
  const { config, clock, random, logger } = basics;
  const [directory, ...moreDirectories] = directories;
  const locks: DirectoryLock[] = [];
  for (const each of directories) {
    const lock = await lockDirectory(fileSystem, each, directories.length === 1);
    if (!lock) continue;
    stack.defer(() => lock.release());
    locks.push(lock);
  }
  const logs = await LogManager.open({
    fileSystem,
    directory: directory!,
    moreDirectories,
    clock,
    random,
    logger,
    nodeId: config.nodeId,
    bootId: bootId ?? readBootId(fileSystem),
    defaults: new TopicConfig(config, new Map()).all(),
    retentionCheckIntervalMs: config.number('log.retention.check.interval.ms'),
    checkpointIntervalMs: config.number('log.flush.offset.checkpoint.interval.ms'),
    producerIdExpirationMs: () => config.number('producer.id.expiration.ms'),
    producerIdExpirationCheckIntervalMs: config.number('producer.id.expiration.check.interval.ms'),
    cleaner: cleanerSettingsOf(config),
    maxOpenFiles: descriptorLimit(fileSystem),
  });
  return { logs, locks };
}

/** What the keys of the log cleaner say; all but the first may change while it runs. */
function cleanerSettingsOf(config: BrokerConfig): CleanerSettings {
  return {
    isEnabled: config.boolean('log.cleaner.enable'),
    backoffMs: () => config.number('log.cleaner.backoff.ms'),
    dedupeBufferBytes: () =>
      config.number('log.cleaner.dedupe.buffer.size') * config.number('log.cleaner.io.buffer.load.factor'),
    ioBytesPerSecond: () => config.number('log.cleaner.io.max.bytes.per.second'),
  };
}

/** Undefined where no other process could see the folder, and where its disk is gone while there are others. */
async function lockDirectory(
  fileSystem: FileSystem,
  directory: string,
  isAlone: boolean,
): Promise<DirectoryLock | undefined> {
  try {
    fileSystem.makeDirectory(directory);
  } catch (error) {
    if (isAlone) throw error;
    return undefined; // it is tried again when the logs are opened, which tells of it
  }
  const identity = fileSystem.identityOf?.(directory);
  if (identity === undefined) return undefined;
  const kafka = kafkaLockHolder(fileSystem, directory);
  if (kafka !== undefined) {
    throw new NestdawError(
      'KAFKA_DATA_DIR_LOCKED',
      `Apache Kafka (process ${kafka}) runs on ${directory}. Stop it, connect to it as a client, or choose another folder.`,
    );
  }
  const lock = await acquireDirectoryLock(identity, (path) => fileSystem.remove(path));
  if (lock) return lock;
  throw new NestdawError(
    'KAFKA_DATA_DIR_LOCKED',
    `another broker runs on ${directory}. Stop it, connect to it as a client, or choose another folder.`,
  );
}

interface ServerBasics {
  readonly config: BrokerConfig;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly router: RequestRouter;
  readonly rooms: FrameRooms;
}

function createServer(options: BrokerOptions, { config, clock, logger, router, rooms }: ServerBasics) {
  const { listen, advertised } = listenerOf(config);
  const { host = options.config?.listeners ? listen.host : DEFAULT_HOST, port = listen.port } = options;
  const waitingBytes = config.number('queued.max.request.bytes');
  const server = new TcpServer({
    host,
    ports: typeof port === 'number' ? [port] : port,
    backlog: config.number('socket.listen.backlog.size'),
    maxConnections: () => config.number('max.connections'),
    maxConnectionsPerIp: (address) => connectionsOf(config, address),
    advertised,
    connection: {
      clock,
      logger,
      maxRequestBytes: config.number('socket.request.max.bytes'),
      maxWaitingRequests: config.number('queued.max.requests'),
      maxWaitingBytes: waitingBytes > 0 ? waitingBytes : MAX_WAITING_BYTES,
      maxIdleMs: config.number('connections.max.idle.ms'),
      handle: (frame, peer) => router.handle(frame, peer),
      rooms,
      readMemory: Buffer.allocUnsafeSlow(READ_BYTES),
    },
    clock,
    logger,
  });
  return { server, host: reachable(host, advertised) };
}

/** A host that a client in this machine can connect to. */
function reachable(host: string, advertised: Address | undefined): string {
  if (advertised) return advertised.host;
  return host === '' || host === '0.0.0.0' || host === '::' ? DEFAULT_HOST : host;
}
