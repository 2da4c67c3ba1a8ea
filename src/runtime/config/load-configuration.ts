import { type Random } from '../../common/random.js';
import { Environment } from './environment.js';
import { bindProperties, type KafkaProperties } from './kafka-properties.js';
import { type Mistake, throwIfAny } from './mistakes.js';
import { judgeNames } from './name-judge.js';
import { loadConfigData } from './sources/config-data.js';
import { inlineJsonSource, objectSource, type PropertyTree } from './sources/object-source.js';
import { argumentSource, EnvironmentPropertySource, type PropertySource } from './sources/property-source.js';
import { RandomPropertySource } from './sources/random-source.js';

// Which sources there are, in which order: files (see config-data.ts), environment, inline JSON, arguments, the
// module's object, overrides. Everything is read once, at start.

export interface ConfigurationSources {
  /** Name of the connection, whose keys are `kafka.<name>.…`. Default: the one without a name, `kafka.…`. */
  readonly connection?: string;
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
  /** What is wrong with values; names are judged with `judgeNames`, by whoever knows all connections. */
  readonly mistakes: readonly Mistake[];
}

/** The configuration with what is worth knowing about it. */
export interface LoadedConfiguration extends Configuration {
  /** Sentences for the log: nothing wrong, but worth knowing. */
  readonly notices: readonly string[];
}

/** Reads and validates all sources of one connection. Throws KAFKA_CONFIG_INVALID listing every mistake. */
export function loadConfiguration(sources: ConfigurationSources = {}): LoadedConfiguration {
  const configuration = readConfiguration(sources);
  const { connection } = sources;
  const names = judgeNames(configuration.environment, connection === undefined ? [] : [connection]);
  throwIfAny([...configuration.mistakes, ...names.mistakes]);
  return { ...configuration, notices: names.notices };
}

/** Reads all sources and binds values, without a throw: whoever asks reports the mistakes, together with its own. */
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
  const properties = bindProperties(environment, sources.connection, mistakes);
  return { properties, environment, profiles: files.profiles, cwd, mistakes };
}
