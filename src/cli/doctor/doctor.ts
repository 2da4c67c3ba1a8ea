import { NestdawError } from '../../common/errors.js';
import { producerSettings } from '../../runtime/client/producer/producer-options.js';
import { describeMistake } from '../../runtime/config/mistakes.js';
import { producerOptions } from '../../runtime/nest/connection/client-options.js';
import { configuredServers } from '../../runtime/nest/connection/cluster-request.js';
import { type ConnectOptions, checkedConnection } from '../connect.js';
import {
  type ApplicationSources,
  askedFor,
  type EffectiveConfiguration,
  type EffectiveConnection,
  effectiveConfiguration,
  sourcesOf,
} from '../effective-configuration.js';
import { type Check } from './check.js';
import { CHECKS } from './checks.js';
import { diagnose } from './diagnosis.js';
import { type Facts } from './facts.js';
import { gatherCluster } from './gather.js';
import { type ConnectionReport, failuresIn, jsonReport, textReport } from './report.js';

// What `nestdaw doctor` does: facts, findings, report, exit code.

/** Of `nestdaw doctor`, as commander hands them over. */
export interface DoctorOptions extends ConnectOptions {
  readonly topic?: readonly string[];
  readonly accept?: readonly string[];
  readonly all: boolean;
  readonly json: boolean;
}

export async function doctor(words: readonly string[], options: DoctorOptions): Promise<void> {
  const checks = chosen(askedFor(words));
  const accepted = known(options.accept ?? []);
  const sources = sourcesOf(words, options);
  const effective = effectiveConfiguration(sources);
  const reports: ConnectionReport[] = [];
  for (const connection of connectionsOf(effective, options.connection)) {
    const facts = await factsOf(connection, effective, sources, options);
    reports.push({ connection: connection.name, cluster: facts.cluster, results: diagnose(checks, facts) });
  }
  console.log(options.json ? jsonReport(reports, accepted) : textReport(reports, { accepted, all: options.all }));
  if (failuresIn(reports, accepted) > 0) process.exitCode = 1;
}

/** All of them, or one by name. Mistakes are the same for all: then the first speaks for them. */
function connectionsOf({ connections, mistakes }: EffectiveConfiguration, wanted: string | undefined) {
  const found = wanted === undefined ? connections : connections.filter(({ name }) => name === wanted);
  if (found.length === 0) {
    const names = connections.map(({ name }) => name).join(', ');
    throw new NestdawError('KAFKA_CONFIG_INVALID', `there is no connection ${wanted}; there are: ${names}`);
  }
  return mistakes.length > 0 ? found.slice(0, 1) : found;
}

async function factsOf(
  { name, configuration, producers }: EffectiveConnection,
  { mistakes, warnings }: EffectiveConfiguration,
  sources: ApplicationSources,
  options: DoctorOptions,
): Promise<Facts> {
  const { properties } = configuration;
  const base = { mistakes: mistakes.map(describeMistake), warnings, properties };
  if (mistakes.length > 0) return { ...base, producers: [], cluster: { problem: 'not asked' } };
  const connection = checkedConnection({ ...options, connection: name }, sources);
  try {
    return {
      ...base,
      producers: [
        { properties, settings: producerSettings(producerOptions(properties)) },
        ...[...producers].map(([producer, own]) => {
          return { name: producer, properties: own, settings: producerSettings(producerOptions(own)) };
        }),
      ],
      cluster: await gatherCluster({
        admin: connection.admin.client,
        servers: configuredServers(connection.properties, 'admin'),
        ...(options.topic === undefined ? {} : { topics: options.topic }),
      }),
    };
  } finally {
    await connection.stop();
  }
}

/** Checks whose name or area contains one of these words; all where none is given. */
function chosen(words: readonly string[]): readonly Check[] {
  if (words.length === 0) return CHECKS;
  const found = CHECKS.filter(({ id, area }) => words.some((word) => id.includes(word) || area.includes(word)));
  if (found.length > 0) return found;
  throw new NestdawError('KAFKA_CONFIG_INVALID', `no check is called ${words.join(' or ')}; there are: ${NAMES}`);
}

/** Names of checks that may fail. */
function known(names: readonly string[]): readonly string[] {
  const unknown = names.find((name) => !CHECKS.some(({ id }) => id === name));
  if (unknown === undefined) return names;
  throw new NestdawError('KAFKA_CONFIG_INVALID', `no check is called ${unknown}; there are: ${NAMES}`);
}

const NAMES = CHECKS.map(({ id }) => id).join(', ');
