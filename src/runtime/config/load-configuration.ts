import { type Random } from '../../common/random.js';
import { Environment } from './environment.js';
import { bindProperties, type KafkaProperties } from './kafka-properties.js';
import { type Mistake, throwIfAny } from './mistakes.js';
import { loadConfigData } from './sources/config-data.js';
import { inlineJsonSource, objectSource, type PropertyTree } from './sources/object-source.js';
import { argumentSource, EnvironmentPropertySource, type PropertySource } from './sources/property-source.js';
import { RandomPropertySource } from './sources/random-source.js';

// Which sources there are, in which order: files (see config-data.ts), environment, inline JSON, arguments, the module's
// object, overrides. Everything is read once, at start.

export interface ConfigurationSources {
  /** Folder of application.properties. Default: the working directory. */
  readonly cwd?: string;
  /** A file instead of application.properties; it must exist. Its profile files stand beside it. */
  readonly propertiesFile?: string;
  /** Default `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Default the process's arguments. */
  readonly argv?: readonly string[];
  /** The object given to the module. */
  readonly properties?: PropertyTree;
  /** Over everything else. */
  readonly overrides?: PropertyTree;
  /** Chance, for `${random.uuid}`. */
  readonly random?: Random;
}

export interface Configuration {
  readonly properties: KafkaProperties;
  readonly environment: Environment;
  /** Active profiles; empty when none is. */
  readonly profiles: readonly string[];
  /** Folder that relative paths start from. */
  readonly cwd: string;
  /** Sentences for the log: nothing wrong, but worth knowing. */
  readonly notices: readonly string[];
  /** What is wrong, all of it; a start ends with it. */
  readonly mistakes: readonly Mistake[];
}

/** Reads and validates all sources. Throws KAFKA_CONFIG_INVALID listing every mistake. */
export function loadConfiguration(sources: ConfigurationSources = {}): Configuration {
  const configuration = readConfiguration(sources);
  throwIfAny(configuration.mistakes);
  return configuration;
}

/** The same without a throw: whoever asks reports the mistakes, together with those that it finds itself. */
export function readConfiguration(sources: ConfigurationSources = {}): Configuration {
  const { cwd = process.cwd(), env = process.env, argv = process.argv.slice(2) } = sources;
  const mistakes: Mistake[] = [];
  const args = argumentSource(argv);
  const above: PropertySource[] = [
    new RandomPropertySource(sources.random),
    new EnvironmentPropertySource(env),
    ...inlineJsonSource(env, args, mistakes),
    args,
  ];
  if (sources.properties) above.push(objectSource('the object given to KafkaModule', sources.properties));
  if (sources.overrides) above.push(objectSource('overrides', sources.overrides));
  const { propertiesFile } = sources;
  const files = loadConfigData({ cwd, propertiesFile, env, above, mistakes });
  const environment = new Environment([...files.sources, ...above]);
  const { properties, notices } = bindProperties(environment, mistakes);
  return { properties, environment, profiles: files.profiles, cwd, notices, mistakes };
}
