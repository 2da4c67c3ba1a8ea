import { type Clock } from '../../../common/clock.js';
import { type Logger } from '../../../common/logger.js';
import { ProcessHold } from '../../../common/process-hold.js';
import { type Cluster } from '../../client/cluster/cluster.js';
import { KafkajsCluster } from '../../client/cluster/kafkajs-cluster.js';
import { type KafkaProperties } from '../../config/kafka-properties.js';
import { type Configuration } from '../../config/load-configuration.js';
import { type Findings } from '../../config/rules.js';
import { type SecuritySettings, securitySettings } from '../../config/security/security.js';
import { type SecureClient } from '../../config/security/security-sources.js';
import { type ClusterRequest, configuredServers, type RequestNumbers, saslOf } from './cluster-request.js';

// How the clients of one connection reach its cluster: servers, encryption and login of each kind of client.

const CLIENTS = ['consumer', 'producer', 'admin'] as const;

export interface ConnectionClustersOptions {
  readonly properties: KafkaProperties;
  /** Another cluster than that over sockets, for tests. */
  readonly factory: ((request: ClusterRequest) => Cluster) | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class ConnectionClusters {
  readonly #options: ConnectionClustersOptions;
  readonly #hold = new ProcessHold();
  readonly #servers: Record<SecureClient, readonly string[]>;
  #security: Readonly<Record<SecureClient, SecuritySettings>> = { consumer: {}, producer: {}, admin: {} };
  #logins: Partial<Record<SecureClient, ClusterRequest['sasl']>> = {};

  constructor(options: ConnectionClustersOptions) {
    const { properties } = options;
    this.#options = options;
    const producer = configuredServers(properties, 'producer');
    const common = configuredServers(properties, 'admin');
    // Where only producers are told where their cluster is, it is the one to ask.
    const admin = common.length > 0 ? common : producer;
    this.#servers = { consumer: configuredServers(properties, 'consumer'), producer, admin };
  }

  /** Addresses of a kind of client; empty where nobody said some, before the start. */
  servers(client: SecureClient): readonly string[] {
    return this.#servers[client];
  }

  /** Whether a client has no servers, so that a broker has to stand beside the application. */
  get isMissing(): boolean {
    return this.#servers.consumer.length === 0 || this.#servers.producer.length === 0;
  }

  /** Servers of the clients that have none of their own. */
  fallBackOn(servers: readonly string[]): void {
    for (const client of CLIENTS) if (this.#servers[client].length === 0) this.#servers[client] = servers;
  }

  /** Works out encryption and logins. Adds to `mistakes` what contradicts itself, what is missing, unreadable files. */
  secure(configuration: Configuration, { mistakes, notices }: Findings): void {
    this.#security = securitySettings(configuration, mistakes, notices);
    for (const client of CLIENTS) {
      const { sasl } = this.#security[client];
      this.#logins[client] = saslOf(sasl, () => this.#servers[client], this.#options.clock);
    }
  }

  /** The application has started: from here on what is open keeps its process alive. */
  hold(): void {
    this.#hold.hold();
  }

  /** A new cluster, not connected. */
  open(client: SecureClient, numbers: RequestNumbers): Cluster {
    const { factory, clock, logger } = this.#options;
    const { ssl } = this.#security[client];
    const sasl = this.#logins[client];
    const request: ClusterRequest = {
      ...numbers,
      ...(ssl === undefined ? {} : { ssl }),
      ...(sasl === undefined ? {} : { sasl }),
      bootstrapServers: this.#servers[client],
      clock,
      logger,
      hold: this.#hold,
    };
    return factory ? factory(request) : new KafkajsCluster(request);
  }
}
