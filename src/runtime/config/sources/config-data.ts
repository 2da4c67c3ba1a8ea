import { Environment, PlaceholderError } from '../environment.js';
import { parseList } from '../formats.js';
import { type Mistake } from '../mistakes.js';
import { activePlatform } from './cloud-platform.js';
import { type Asker, ConfigFiles, type LoadedDocument } from './config-files.js';
import { parseLocation } from './config-location.js';
import { determineProfiles, PROFILE_KEYS, ProfileExpressionError, type Profiles, profilesMatch } from './profiles.js';
import { MapPropertySource, type PropertySource } from './property-source.js';

// Configuration files in Spring's order. A tree: each document has below it what it imports, first without and then
// with profiles, and what stands below counts more. It grows twice: once to learn which profiles are active, from what
// holds without them, and once for these profiles' files, conditions and imports.

export interface ConfigDataOptions {
  readonly cwd: string;
  /** A file instead of application.properties. */
  readonly propertiesFile: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Sources over the files, lowest first. */
  readonly above: readonly PropertySource[];
  readonly mistakes: Mistake[];
}

export interface ConfigData {
  /** Lowest first. */
  readonly sources: readonly PropertySource[];
  readonly profiles: readonly string[];
}

interface Import {
  /** Locations of one level: a profile's files of all of them stand above all their plain files. */
  readonly group: readonly string[];
  readonly asker: Asker;
}

interface DocumentNode {
  /** Undefined at a root. */
  readonly document: (LoadedDocument & { readonly source: PropertySource }) | undefined;
  readonly folder: string;
  imports: readonly Import[] | undefined;
  plain: DocumentNode[] | undefined;
  profiled: DocumentNode[] | undefined;
}

const KEYS = {
  name: 'spring.config.name',
  location: 'spring.config.location',
  additional: 'spring.config.additional-location',
  import: 'spring.config.import',
  notFound: 'spring.config.on-not-found',
  onProfile: 'spring.config.activate.on-profile',
  onPlatform: 'spring.config.activate.on-cloud-platform',
} as const;
const DEFAULT_LOCATION = 'optional:file:./;optional:file:./config/;optional:file:./config/*/';
/** Which files are read is settled before any of them is. */
const ONLY_ABOVE = [KEYS.name, KEYS.location, KEYS.additional, KEYS.notFound];

export function loadConfigData(options: ConfigDataOptions): ConfigData {
  return new ConfigDataLoader(options).load();
}

class ConfigDataLoader {
  readonly #options: ConfigDataOptions;
  readonly #above: Environment;
  readonly #files: ConfigFiles;
  /** One tree for each location of the first level. */
  readonly #roots: readonly DocumentNode[];
  readonly #platform: string | undefined;

  constructor(options: ConfigDataOptions) {
    const { cwd, env, above, mistakes } = options;
    this.#options = options;
    this.#above = new Environment(above);
    const names = parseList(this.#read(this.#above, KEYS.name) ?? 'application').filter((name) => name !== '');
    const ignoreMissing = this.#read(this.#above, KEYS.notFound)?.trim().toLowerCase() === 'ignore';
    this.#files = new ConfigFiles({ cwd, names, env, ignoreMissing, mistakes });
    this.#platform = activePlatform(env, this.#read(this.#above, 'spring.main.cloud-platform'));
    this.#roots = this.#rootImports().map((one) => nodeOf(undefined, cwd, [one]));
  }

  load(): ConfigData {
    for (const root of this.#roots) this.#grow(root, undefined);
    const environment = this.#environment(undefined);
    const read = (name: string) => this.#read(environment, name);
    const profiles = determineProfiles(environment, read, this.#options.mistakes);
    for (const root of this.#roots) this.#grow(root, profiles);
    const sources = this.#roots.flatMap((root) => this.#sources(root, profiles, true));
    return { sources, profiles: profiles.active };
  }

  /** Lowest first: the locations, the additional ones, what the environment and the like import. */
  #rootImports(): Import[] {
    const { propertiesFile } = this.#options;
    const named = propertiesFile && { group: [propertiesFile], asker: askerOf('propertiesFile', propertiesFile) };
    const of = (key: string): Import[] => {
      const entry = this.#above.entry(key);
      const text = this.#read(this.#above, key);
      if (entry === undefined || text === undefined) return [];
      return parseList(text).map((one) => imported(one, { origin: entry.origin, key: entry.key, value: text }));
    };
    const locations = of(KEYS.location);
    const standing = [named || imported(DEFAULT_LOCATION, askerOf('default locations', DEFAULT_LOCATION))];
    return [...(locations.length > 0 ? locations : standing), ...of(KEYS.additional), ...of(KEYS.import)];
  }

  #grow(node: DocumentNode, profiles: Profiles | undefined): void {
    if (!this.#isActive(node, profiles, false)) return;
    node.imports ??= this.#importsOf(node);
    const plain = (one: Import) => this.#load(one, node.folder, undefined);
    const ofProfiles = (one: Import) =>
      profiles?.accepted.flatMap((profile) => this.#load(one, node.folder, profile)) ?? [];
    if (!profiles) node.plain ??= node.imports.flatMap(plain);
    // What is not even active without profiles imports all at once, one location after the other.
    else if (!node.plain) node.profiled ??= node.imports.flatMap((one) => [...plain(one), ...ofProfiles(one)]);
    else node.profiled ??= node.imports.flatMap(ofProfiles);
    for (const child of childrenOf(node)) this.#grow(child, profiles);
  }

  #load({ group, asker }: Import, folder: string, profile: string | undefined): DocumentNode[] {
    return group.flatMap((text) =>
      this.#files.load(parseLocation(text), folder, profile, asker).map((document) => this.#node(document)),
    );
  }

  #node(document: LoadedDocument): DocumentNode {
    const source = new MapPropertySource(document.name, document.entries);
    this.#reportMisplaced(source, document.profile);
    return nodeOf({ ...document, source }, document.folder, undefined);
  }

  #importsOf({ document }: DocumentNode): Import[] {
    const entry = document?.source.get(KEYS.import);
    if (!entry) return [];
    const environment = this.#environment(undefined);
    const text = this.#attempt(entry, () => environment.resolvePlaceholders(entry.value));
    const locations = parseList(text ?? '').filter((location) => location !== '');
    return locations.map((location) => imported(location, entry));
  }

  #isActive({ document }: DocumentNode, profiles: Profiles | undefined, isLast: boolean): boolean {
    const platform = document?.source.get(KEYS.onPlatform);
    if (platform && platform.value.trim().toLowerCase() !== this.#platform) return false;
    const condition = document?.source.get(KEYS.onProfile);
    if (!condition || condition.value.trim() === '') return true;
    if (!profiles) return false;
    // Looked at more than once; a condition that says nothing is reported at the last look.
    const quiet = () => {
      try {
        return profilesMatch(condition.value, profiles.accepted);
      } catch {
        return false;
      }
    };
    return isLast
      ? (this.#attempt(condition, () => profilesMatch(condition.value, profiles.accepted)) ?? false)
      : quiet();
  }

  #sources(node: DocumentNode, profiles: Profiles | undefined, isLast: boolean): PropertySource[] {
    if (!this.#isActive(node, profiles, isLast)) return [];
    const own = node.document ? [node.document.source] : [];
    return [...own, ...childrenOf(node).flatMap((child) => this.#sources(child, profiles, isLast))];
  }

  #environment(profiles: Profiles | undefined): Environment {
    const files = this.#roots.flatMap((root) => this.#sources(root, profiles, false));
    return new Environment([...files, ...this.#options.above]);
  }

  #reportMisplaced(source: PropertySource, profile: string | undefined): void {
    const { mistakes } = this.#options;
    const condition = source.get(KEYS.onProfile) ?? source.get(KEYS.onPlatform);
    for (const entry of source.entries()) {
      const key = entry.key.toLowerCase().replace(/_/g, '-');
      if (ONLY_ABOVE.some((name) => key === name)) {
        const problem = 'decides which files are read, so no file can say it; give it as a variable or an argument';
        mistakes.push({ ...entry, problem });
      } else if (key === 'spring.profiles') {
        mistakes.push({ ...entry, problem: `is Spring's old name for ${KEYS.onProfile}; write that` });
      } else if ((condition !== undefined || profile !== undefined) && switchesProfiles(key)) {
        const where = profile === undefined ? 'a document with a condition' : 'a file of a profile';
        mistakes.push({ ...entry, problem: `a profile cannot be switched on in ${where}; move it` });
      } else if (profile !== undefined && key === KEYS.onProfile) {
        mistakes.push({
          ...entry,
          problem: 'the file belongs to a profile already; remove the condition or rename it',
        });
      }
    }
  }

  #read(environment: Environment, name: string): string | undefined {
    const entry = environment.entry(name);
    return entry && this.#attempt(entry, () => environment.get(name));
  }

  #attempt<T>(entry: Asker, what: () => T): T | undefined {
    try {
      return what();
    } catch (error) {
      if (!(error instanceof PlaceholderError || error instanceof ProfileExpressionError)) throw error;
      this.#options.mistakes.push({ ...entry, problem: error.message });
      return undefined;
    }
  }
}

function switchesProfiles(key: string): boolean {
  const { active, default: standing, include, group } = PROFILE_KEYS;
  return (
    [active, standing, include].some((name) => key === name || key.startsWith(`${name}[`)) || key.startsWith(group)
  );
}

function imported(text: string, { origin, key, value }: Asker): Import {
  return { group: text.split(';').filter((location) => location.trim() !== ''), asker: { origin, key, value } };
}

function askerOf(origin: string, value: string): Asker {
  return { origin, key: origin, value };
}

function nodeOf(document: DocumentNode['document'], folder: string, imports: DocumentNode['imports']): DocumentNode {
  return { document, folder, imports, plain: undefined, profiled: undefined };
}

function childrenOf({ plain = [], profiled = [] }: DocumentNode): DocumentNode[] {
  return [...plain, ...profiled];
}
