import { createServer, type Server, type Socket } from 'node:net';
import { type Clock, sleep } from '../../common/clock.js';
import { messageOf, NestdawError } from '../../common/errors.js';
import { type Logger } from '../../common/logger.js';
import { ClientConnection, type ConnectionOptions, plainAddress } from './client-connection.js';

// The listening socket and the connections it accepted.

export interface TcpServerOptions {
  readonly host: string;
  /** Ports to try, in order; 0 is any free one. */
  readonly ports: readonly number[];
  readonly backlog: number;
  readonly maxConnections: () => number;
  readonly maxConnectionsPerIp: (address: string) => number;
  /** What clients are told to connect to; the address they came by when undefined. */
  readonly advertised?: { readonly host: string; readonly port: number } | undefined;
  readonly connection: ConnectionOptions;
  readonly clock: Clock;
  readonly logger: Logger;
}

const WILDCARDS = new Set(['0.0.0.0', '::', '']);

export class TcpServer {
  readonly #options: TcpServerOptions;
  readonly #connections = new Set<ClientConnection>();
  readonly #perHost = new Map<string, number>();
  readonly #server: Server;
  #port = 0;

  constructor(options: TcpServerOptions) {
    this.#options = options;
    this.#server = createServer({ pauseOnConnect: false }, (socket) => this.#accept(socket));
  }

  /** The port that is listened on. */
  get port(): number {
    return this.#port;
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Throws KAFKA_BROKER_START_FAILED when no port can be taken. */
  async start(): Promise<void> {
    const { ports, host } = this.#options;
    for (const [i, port] of ports.entries()) {
      try {
        await this.#listen(port);
        return;
      } catch (error) {
        const inUse = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
        if (inUse && i + 1 < ports.length) continue;
        throw new NestdawError(
          'KAFKA_BROKER_START_FAILED',
          inUse
            ? `the broker cannot listen on ${host}:${port}: another process uses the port. Stop it, or choose another port (0 takes any free one).`
            : `the broker cannot listen on ${host}:${port}: ${messageOf(error)}`,
          { cause: error },
        );
      }
    }
  }

  #listen(port: number): Promise<void> {
    const { host, backlog } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ port, host, backlog }, () => {
        this.#server.off('error', reject);
        this.#server.on('error', (error) => this.#options.logger.error(`listening socket: ${error.message}`, error));
        this.#port = (this.#server.address() as { port: number }).port;
        resolve();
      });
    });
  }

  #accept(socket: Socket): void {
    const { maxConnections, maxConnectionsPerIp, logger } = this.#options;
    const remote = plainAddress(socket.remoteAddress);
    const fromHere = this.#perHost.get(remote) ?? 0;
    if (this.#connections.size >= maxConnections() || fromHere >= maxConnectionsPerIp(remote)) {
      logger.warn(`connection of ${remote} refused: max.connections or max.connections.per.ip is reached`);
      socket.destroy();
      return;
    }
    const connection = new ClientConnection(socket, this.#advertisedTo(socket), this.#options.connection);
    this.#connections.add(connection);
    this.#perHost.set(remote, fromHere + 1);
    void connection.closed.then(() => {
      this.#connections.delete(connection);
      const left = (this.#perHost.get(remote) ?? 1) - 1;
      if (left > 0) this.#perHost.set(remote, left);
      else this.#perHost.delete(remote);
    });
  }

  /** A wildcard cannot be connected to: the client is told the address under which it reached us. */
  #advertisedTo(socket: Socket): { host: string; port: number } {
    const { advertised, host } = this.#options;
    if (advertised) return { host: advertised.host, port: advertised.port || this.#port };
    return { host: WILDCARDS.has(host) ? plainAddress(socket.localAddress) : host, port: this.#port };
  }

  /** Accepts nothing more, lets requests in work be answered for `graceMs`, then cuts the connections. */
  async stop(graceMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      if (this.#server.listening) this.#server.close(() => resolve());
      else resolve();
    });
    const connections = [...this.#connections];
    for (const connection of connections) connection.finish();
    const finished = new AbortController();
    const all = Promise.all(connections.map((connection) => connection.closed)).then(() => finished.abort());
    await sleep(this.#options.clock, graceMs, finished.signal);
    for (const connection of this.#connections) connection.destroy();
    await all;
    await closed;
  }
}
