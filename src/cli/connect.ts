import { resolve } from 'node:path';
import { systemClock } from '../common/clock.js';
import { DEFAULT_CONNECTION, prefixOf } from '../common/connection-name.js';
import { NestdawError } from '../common/errors.js';
import { type Logger } from '../common/logger.js';
import { DEFAULT_PORT, readKeptAddress } from '../embedded/kept-address.js';
import { type KafkaProperties } from '../runtime/config/kafka-properties.js';
import { readConfiguration } from '../runtime/config/load-configuration.js';
import { throwIfAny } from '../runtime/config/mistakes.js';
import { KafkaConnection } from '../runtime/nest/connection/kafka-connection.js';
import { type ApplicationSources, type ConfigurationOptions, sourcesOf } from './effective-configuration.js';

// A connection for a command: to the cluster that the application in this folder uses.

/** Of commands that talk to a cluster, as commander hands them over. */
export interface ConnectOptions extends ConfigurationOptions {
  readonly bootstrapServers?: string;
  readonly connection?: string;
}

const logger: Logger = {
  log: () => undefined,
  warn: (message) => console.error(`warning: ${message}`),
  error: (message) => console.error(`error: ${message}`),
};

/** Runs something with a connection, and closes it. Throws KAFKA_CONFIG_INVALID with every mistake in the way. */
export async function withConnection(options: ConnectOptions, run: (connection: KafkaConnection) => Promise<void>) {
  const connection = checkedConnection(options, sourcesOf([], options));
  await connection.start();
  try {
    await run(connection);
  } finally {
    await connection.stop();
  }
}

/** A connection that is not started: its admin client works, and ends with `stop`. Throws as `withConnection` does. */
export function checkedConnection(
  options: Pick<ConnectOptions, 'bootstrapServers' | 'connection'>,
  sources: ApplicationSources,
): KafkaConnection {
  const connection = connectionOf(options, sources);
  const findings = { mistakes: [], notices: [] };
  connection.check(findings);
  throwIfAny(findings.mistakes);
  return connection;
}

function connectionOf(
  { bootstrapServers, connection: name = DEFAULT_CONNECTION }: Pick<ConnectOptions, 'bootstrapServers' | 'connection'>,
  sources: ApplicationSources,
): KafkaConnection {
  const named = name === DEFAULT_CONNECTION ? {} : { connection: name };
  const prefix = prefixOf(name);
  const read = (servers: string | undefined) =>
    readConfiguration({
      ...sources,
      ...named,
      overrides: {
        [`${prefix}.consumer.auto-offset-reset`]: 'earliest',
        ...(servers === undefined ? {} : { [`${prefix}.bootstrap-servers`]: servers }),
      },
    });
  const given = read(bootstrapServers);
  const configuration = hasServers(given.properties)
    ? given
    : read(serversBeside(dataFolderOf(sources.cwd, given.properties)));
  return new KafkaConnection({
    name,
    configuration,
    factories: {},
    startBroker: () => {
      throw new NestdawError('KAFKA_CONFIG_INVALID', 'no servers are known: give -b host:port');
    },
    clock: systemClock,
    logger,
  });
}

/** Whether a cluster is named; else the application has a broker beside it. */
function hasServers(properties: KafkaProperties): boolean {
  return properties.getFor('producer', 'bootstrap-servers').length > 0;
}

/** Where the broker beside an application that is started in this folder keeps its data. */
function dataFolderOf(cwd: string, properties: KafkaProperties): string {
  return resolve(cwd, properties.get('embedded.data-dir'));
}

/** The broker of the application in this folder: where it listens, or would. */
function serversBeside(dataFolder: string): string {
  const kept = readKeptAddress(dataFolder);
  return kept === undefined ? `127.0.0.1:${DEFAULT_PORT}` : `${kept.host}:${kept.port}`;
}
