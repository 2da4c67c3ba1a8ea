import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative } from 'node:path';
import { messageOf } from '../../common/errors.js';
import { Environment, PlaceholderError } from './environment.js';
import { parseList } from './formats.js';
import { bindProperties, type KafkaProperties } from './kafka-properties.js';
import { type Mistake, throwIfAny } from './mistakes.js';
import { readPropertiesText } from './properties-file.js';
import {
  argumentSource,
  EnvironmentPropertySource,
  objectSource,
  type PropertySource,
  type PropertyTree,
} from './property-source.js';

// Which sources there are, in which order: application.properties, config/application.properties, the same of each
// active profile, environment, arguments, the module's object, overrides. Everything is read once, at start.

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
}

export interface Configuration {
  readonly properties: KafkaProperties;
  readonly environment: Environment;
  /** Active profiles; empty when none is. */
  readonly profiles: readonly string[];
  /** Sentences for the log: nothing wrong, but worth knowing. */
  readonly notices: readonly string[];
}

const PROFILES = 'spring.profiles.active';
/** Keys of Spring's file handling that change which files are read, and that are not followed here. */
const NOT_FOLLOWED = /^spring\.(config\.|profiles\.(include|group|default))/;

/** Reads and validates all sources. Throws KAFKA_CONFIG_INVALID listing every mistake. */
export function loadConfiguration(sources: ConfigurationSources = {}): Configuration {
  const { cwd = process.cwd(), env = process.env, argv = process.argv.slice(2) } = sources;
  const mistakes: Mistake[] = [];
  const notices: string[] = [];
  const above: PropertySource[] = [new EnvironmentPropertySource(env), argumentSource(argv)];
  if (sources.properties) above.push(objectSource('the object given to KafkaModule', sources.properties));
  if (sources.overrides) above.push(objectSource('overrides', sources.overrides));
  const files = filesAt(cwd, sources.propertiesFile, mistakes, notices);
  const plain = files.read(undefined);
  const profiles = activeProfiles(new Environment([...plain, ...above]), mistakes);
  const profiled = profiles.flatMap((profile) => files.read(profile));
  reportProfileSwitches(profiled, mistakes);
  reportNotFollowed([...plain, ...profiled, ...above.slice(1)], mistakes);
  const environment = new Environment([...plain, ...profiled, ...above]);
  const binding = bindProperties(environment, mistakes);
  throwIfAny(mistakes);
  notices.push(...binding.notices);
  return { properties: binding.properties, environment, profiles, notices };
}

function filesAt(cwd: string, named: string | undefined, mistakes: Mistake[], notices: string[]) {
  const path = named === undefined ? join(cwd, 'application.properties') : isAbsolute(named) ? named : join(cwd, named);
  const stem = basename(path).replace(/\.properties$/, '');
  const folders = named === undefined ? [cwd, join(cwd, 'config')] : [dirname(path)];
  if (named !== undefined && !existsSync(path)) {
    mistakes.push({ origin: 'propertiesFile', problem: `${path} does not exist; correct the path or leave it out` });
  }
  for (const yaml of ['application.yml', 'application.yaml']) {
    const found = named === undefined && folders.find((folder) => existsSync(join(folder, yaml)));
    if (found) notices.push(`${join(found, yaml)} is not read: YAML is not supported, write an application.properties`);
  }
  return {
    read(profile: string | undefined): PropertySource[] {
      const name = profile === undefined ? basename(path) : `${stem}-${profile}.properties`;
      return folders.flatMap((folder) => readIfPresent(join(folder, name), cwd, mistakes));
    },
  };
}

function readIfPresent(path: string, cwd: string, mistakes: Mistake[]): PropertySource[] {
  if (!existsSync(path)) return [];
  const shown = relative(cwd, path);
  const name = shown.startsWith('..') ? path : shown;
  try {
    return [readPropertiesText(name, readFileSync(path, 'utf8'), mistakes)];
  } catch (error) {
    mistakes.push({
      origin: name,
      problem: `cannot be read (${messageOf(error)}); check the file and its permissions`,
    });
    return [];
  }
}

function activeProfiles(environment: Environment, mistakes: Mistake[]): string[] {
  try {
    return parseList(environment.get(PROFILES) ?? '').filter((profile) => profile !== '');
  } catch (error) {
    if (!(error instanceof PlaceholderError)) throw error;
    mistakes.push({ ...environment.entry(PROFILES)!, problem: error.message });
    return [];
  }
}

function reportProfileSwitches(profiled: readonly PropertySource[], mistakes: Mistake[]): void {
  for (const source of profiled) {
    const entry = source.get(PROFILES);
    if (entry) mistakes.push({ ...entry, problem: 'a profile cannot be switched on in a file of a profile; move it' });
  }
}

function reportNotFollowed(sources: readonly PropertySource[], mistakes: Mistake[]): void {
  for (const source of sources) {
    for (const entry of source.entries()) {
      if (!NOT_FOLLOWED.test(entry.key)) continue;
      const problem = 'not supported; use application.properties, config/ and files of active profiles';
      mistakes.push({ ...entry, problem });
    }
  }
}
