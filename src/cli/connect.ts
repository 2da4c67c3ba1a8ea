import { systemClock } from '../common/clock.js';
import { NestdawError } from '../common/errors.js';
import { type Logger } from '../common/logger.js';
import { DEFAULT_PORT, readKeptAddress } from '../embedded/kept-address.js';
import { readConfiguration } from '../runtime/config/load-configuration.js';
import { throwIfAny } from '../runtime/config/mistakes.js';
import { KafkaConnection } from '../runtime/nest/connection/kafka-connection.js';

// A connection for a command: to the cluster that the application in this folder uses.

/** Of commands that talk to a cluster, as commander hands them over. */
export interface ConnectOptions {
  readonly bootstrapServers?: string;
  readonly cwd: string;
  readonly profile?: string;
  readonly connection?: string;
}

const logger: Logger = {
  log: () => undefined,
  warn: (message) => console.error(`warning: ${message}`),
  error: (message) => console.error(`error: ${message}`),
};

/** Runs something with a connection, and closes it. Throws KAFKA_CONFIG_INVALID with every mistake in the way. */
export async function withConnection(options: ConnectOptions, run: (connection: KafkaConnection) => Promise<void>) {
  const connection = connectionOf(options);
  const findings = { mistakes: [], notices: [] };
  connection.check(findings);
  throwIfAny(findings.mistakes);
  await connection.start();
  try {
    await run(connection);
  } finally {
    await connection.stop();
  }
}

function connectionOf({ bootstrapServers, cwd, profile, connection: name }: ConnectOptions): KafkaConnection {
  const argv = profile === undefined ? [] : [`--spring.profiles.active=${profile}`];
  const named = name === undefined || name === 'default' ? {} : { connection: name };
  const prefix = 'connection' in named ? `kafka.${name}` : 'kafka';
  const read = (servers: string | undefined) =>
    readConfiguration({
      cwd,
      argv,
      ...named,
      overrides: {
        [`${prefix}.consumer.auto-offset-reset`]: 'earliest',
        ...(servers === undefined ? {} : { [`${prefix}.bootstrap-servers`]: servers }),
      },
    });
  const given = read(bootstrapServers);
  const isKnown = given.properties.getFor('producer', 'bootstrap-servers').length > 0;
  const configuration = isKnown ? given : read(serversBeside(cwd, given.properties.get('embedded.data-dir')));
  return new KafkaConnection({
    name: name ?? 'default',
    configuration,
    factories: {},
    startBroker: () => {
      throw new NestdawError('KAFKA_CONFIG_INVALID', 'no servers are known: give -b host:port');
    },
    clock: systemClock,
    logger,
  });
}

/** The broker of the application in this folder: where it listens, or would. */
function serversBeside(cwd: string, dataDir: string): string {
  const kept = readKeptAddress(dataDir.startsWith('/') ? dataDir : `${cwd}/${dataDir}`);
  return kept === undefined ? `127.0.0.1:${DEFAULT_PORT}` : `${kept.host}:${kept.port}`;
}
