import { type KafkaConfig, type logCreator } from 'kafkajs';
import { type Logger, silentLogger } from '../../../common/logger.js';
import { type ProcessHold } from '../../../common/process-hold.js';
import { addressText, parseBootstrapServers } from './bootstrap-servers.js';
import { releaseFrame } from './frame-socket.js';
import { KafkajsConnection } from './kafkajs-connection.js';
import { type KafkajsTaps, type TappedConnection, tapKafkajs } from './kafkajs-taps.js';
import { RoutedCluster, type RoutedClusterOptions } from './routed-cluster.js';
import { type Transport, type TransportConnection } from './transport.js';

// The cluster over kafkajs's sockets. Every connection is a broker object of its own that is thrown away with its
// socket: kafkajs lets late events of an old socket fail the requests of the next one on the same object.

export interface KafkajsClusterOptions extends RoutedClusterOptions {
  readonly bootstrapServers: readonly string[];
  /** Name told to the broker. Default `nestdaw`. */
  readonly clientId?: string;
  /** TLS, as kafkajs takes it: true, or options of Node's `tls.connect`. */
  readonly ssl?: KafkaConfig['ssl'];
  /** SASL, as kafkajs takes it. */
  readonly sasl?: KafkaConfig['sasl'];
  readonly logger?: Logger;
  /** Whether idle connections keep the process alive. Default: they do. */
  readonly hold?: ProcessHold;
}

export class KafkajsCluster extends RoutedCluster {
  constructor(options: KafkajsClusterOptions) {
    const servers = parseBootstrapServers(options.bootstrapServers);
    super(new KafkajsTransport(options, servers.map(addressText)), servers, options);
  }
}

class KafkajsTransport implements Transport {
  readonly #taps: KafkajsTaps;
  readonly #hold: ProcessHold | undefined;

  constructor(options: KafkajsClusterOptions, brokers: string[]) {
    const { ssl, sasl, clientId = 'nestdaw', logger = silentLogger } = options;
    this.#hold = options.hold;
    this.#taps = tapKafkajs({
      brokers,
      clientId,
      ...(ssl === undefined ? {} : { ssl }),
      // Kafkajs writes into the object that it is given.
      ...(sasl === undefined ? {} : { sasl: { ...sasl } }),
      connectionTimeout: options.connectionSetupTimeoutMs ?? 10_000,
      // Time-outs and retries are ours.
      enforceRequestTimeout: false,
      retry: { retries: 0 },
      logLevel: LOG_LEVEL_WARN,
      logCreator: logTo(logger),
    });
  }

  async open(host: string, port: number, signal: AbortSignal): Promise<TransportConnection> {
    signal.throwIfAborted();
    const broker = await this.#taps.broker(host, port);
    const giveUp = () => destroy(broker.connection, signal.reason as Error);
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      await broker.connect();
      // Kafkajs leaves Nagle's algorithm on, which holds a small request back while one before it is unanswered.
      broker.connection.socket?.setNoDelay(true);
      signal.throwIfAborted();
      return new KafkajsConnection(broker, this.#hold);
    } catch (error) {
      destroy(broker.connection, error as Error);
      throw signal.aborted ? signal.reason : error;
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  release(answered: Buffer): void {
    releaseFrame(answered);
  }
}

/** Ends a connection that is still being set up; the error makes kafkajs's own waits and timers end too. */
function destroy(connection: TappedConnection, reason: Error): void {
  connection.rejectRequests(reason);
  connection.socket?.destroy(reason);
}

/** Kafkajs's number for warnings. */
const LOG_LEVEL_WARN = 2;

/** What kafkajs reports about a connection reaches the caller as an error too, so it is not worth a second warning. */
function logTo(logger: Logger): logCreator {
  return () =>
    ({ namespace, log }) => {
      const text = `kafkajs ${namespace}: ${log.message}`;
      if (namespace === 'Connection') logger.debug?.(text);
      else logger.warn(text);
    };
}
