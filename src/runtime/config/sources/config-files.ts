import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, extname, isAbsolute, join, relative, resolve } from 'node:path';
import { messageOf } from '../../../common/errors.js';
import { type Mistake } from '../mistakes.js';
import { type ConfigLocation, KNOWN_LOCATIONS } from './config-location.js';
import { readConfigTree } from './config-tree.js';
import { readPropertiesText } from './properties-file.js';
import { type PropertyEntry } from './property-source.js';
import { readYamlText } from './yaml-file.js';

// From a location to the documents that it holds: folders to files, files to text, text to entries.

/** Entries of one document, and the folder that its relative imports start from. */
export interface LoadedDocument {
  readonly name: string;
  readonly folder: string;
  readonly entries: readonly PropertyEntry[];
  /** Whether it was read because of a profile. */
  readonly profile: string | undefined;
}

/** Who asks, for mistakes. */
export interface Asker {
  readonly origin: string;
  readonly key: string;
  readonly value: string;
}

export interface ConfigFilesOptions {
  readonly cwd: string;
  /** Names of files without ending: `application`. */
  readonly names: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether every location counts as optional. */
  readonly ignoreMissing: boolean;
  readonly mistakes: Mistake[];
}

/** Within one folder what comes later here counts more. */
const EXTENSIONS = ['.yaml', '.yml', '.properties'];

export class ConfigFiles {
  readonly #options: ConfigFilesOptions;
  readonly #loaded = new Set<string>();

  constructor(options: ConfigFilesOptions) {
    this.#options = options;
  }

  /** Documents of a location, lowest first. Each place is read once, whoever asks for it. */
  load(location: ConfigLocation, folder: string, profile: string | undefined, asker: Asker): LoadedDocument[] {
    if (location.kind === 'unknown') return this.#refuse(asker, `has no reader; known: ${KNOWN_LOCATIONS}`);
    if (location.kind === 'env') return profile === undefined ? this.#variable(location, asker) : [];
    const base = location.kind === 'file' && !location.fixed ? folder : this.#options.cwd;
    const path = isAbsolute(location.path) ? location.path : `${base}/${location.path}`;
    const isFolder = location.path.endsWith('/') || location.path === '' || isDirectory(path);
    if (location.kind === 'configtree') return profile === undefined ? this.#trees(location, path, asker) : [];
    if (!isFolder) return this.#file(location, resolve(path), profile, asker);
    return this.#folders(location, path, asker).flatMap((found) =>
      this.#options.names.flatMap((name) =>
        EXTENSIONS.flatMap((ending) => {
          const file = join(found, `${name}${profile === undefined ? '' : `-${profile}`}${ending}`);
          return existsSync(file) ? this.#read(file, ending, location.encoding, profile) : [];
        }),
      ),
    );
  }

  #file(location: ConfigLocation, path: string, profile: string | undefined, asker: Asker): LoadedDocument[] {
    const own = extname(path);
    const hint = location.extension === undefined ? undefined : `.${location.extension.replace(/^\./, '')}`;
    const kind = (hint ?? own).toLowerCase();
    if (!EXTENSIONS.includes(kind)) {
      const endings = EXTENSIONS.join(', ');
      return this.#refuse(asker, `names a file without a known ending; known: ${endings}, or say it: name[.yaml]`);
    }
    const suffix = hint === undefined ? own : '';
    const stem = basename(path, suffix);
    const file = profile === undefined ? path : join(dirname(path), `${stem}-${profile}${suffix}`);
    if (existsSync(file)) return this.#read(file, kind, location.encoding, profile);
    return profile === undefined ? this.#missing(location, file, asker) : [];
  }

  #read(file: string, kind: string, encoding: string | undefined, profile: string | undefined): LoadedDocument[] {
    if (this.#loaded.has(file)) return [];
    this.#loaded.add(file);
    const name = this.#shown(file);
    try {
      const text = new TextDecoder(encoding ?? 'utf-8', { ignoreBOM: false }).decode(readFileSync(file));
      return this.#documents(name, text, kind, dirname(file), profile);
    } catch (error) {
      const problem = `cannot be read (${messageOf(error)}); check the file and its permissions`;
      this.#options.mistakes.push({ origin: name, problem });
      return [];
    }
  }

  #documents(name: string, text: string, kind: string, folder: string, profile: string | undefined): LoadedDocument[] {
    const read = kind === '.properties' ? readPropertiesText : readYamlText;
    return read(name, text, this.#options.mistakes).map((entries) => ({ name, folder, entries, profile }));
  }

  #variable(location: ConfigLocation, asker: Asker): LoadedDocument[] {
    const text = this.#options.env[location.path];
    if (text === undefined) return this.#missing(location, `environment variable ${location.path}`, asker);
    const ending = `.${(location.extension ?? 'properties').replace(/^\./, '')}`;
    if (!EXTENSIONS.includes(ending))
      return this.#refuse(asker, `has an unknown ending; known: ${EXTENSIONS.join(', ')}`);
    return this.#documents(`environment variable ${location.path}`, text, ending, this.#options.cwd, undefined);
  }

  #trees(location: ConfigLocation, path: string, asker: Asker): LoadedDocument[] {
    return this.#folders(location, path, asker).flatMap((folder) => {
      if (this.#loaded.has(folder)) return [];
      this.#loaded.add(folder);
      try {
        const name = `configtree ${this.#shown(folder)}`;
        return [{ name, folder, entries: readConfigTree(folder), profile: undefined }];
      } catch (error) {
        return this.#refuse(asker, `cannot be read (${messageOf(error)}); check the folder and its permissions`);
      }
    });
  }

  /** The folder itself, or those that the star at its end stands for, in the order of their names. */
  #folders(location: ConfigLocation, path: string, asker: Asker): string[] {
    const star = /^(.*)\/\*\/?$/s.exec(path);
    if (!star && path.includes('*')) {
      return this.#refuse(asker, 'has its * in the wrong place; it may only stand for the last folder: config/*/');
    }
    const folder = resolve(star ? `${star[1]}/` : path);
    if (!isDirectory(folder)) return this.#missing(location, folder, asker);
    if (!star) return [folder];
    const below = readdirSync(folder).filter((name) => !name.startsWith('.'));
    return below
      .sort()
      .map((name) => join(folder, name))
      .filter(isDirectory);
  }

  #missing(location: ConfigLocation, what: string, asker: Asker): never[] {
    if (location.optional || this.#options.ignoreMissing) return [];
    const shown = isAbsolute(what) ? this.#shown(what) : what;
    return this.#refuse(asker, `${shown} does not exist; correct it, or write optional:${location.text}`);
  }

  #refuse(asker: Asker, problem: string): never[] {
    this.#options.mistakes.push({ ...asker, problem });
    return [];
  }

  #shown(path: string): string {
    const shown = relative(this.#options.cwd, path);
    return shown.startsWith('..') || shown === '' ? path : shown;
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
