import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

// The arrows of docs/architecture.md, read from the import lines. A new folder must be given its arrows here.

const root = fileURLToPath(new URL('../src/', import.meta.url));

/** Folder → what its files may import: other folders of src, and packages by name. */
const ARROWS: Record<string, { readonly folders: readonly string[]; readonly packages: readonly string[] }> = {
  common: { folders: [], packages: [] },
  protocol: { folders: ['common'], packages: [] },
  decorators: { folders: ['common'], packages: ['@nestjs/common', 'reflect-metadata'] },
  'runtime/config': { folders: ['common'], packages: ['properties-file', 'yaml'] },
  'runtime/dispatch': { folders: ['common'], packages: [] },
  'runtime/client': { folders: ['common', 'protocol'], packages: [] },
  'runtime/client/cluster': { folders: ['common', 'protocol'], packages: ['kafkajs'] },
  'runtime/listener': {
    folders: ['common', 'runtime/dispatch', 'runtime/sql/sql-database.ts', 'runtime/client/consumer-client.ts'],
    packages: [],
  },
  'runtime/threads': {
    folders: [
      'common',
      'runtime/listener',
      'runtime/client/consumer-client.ts',
      'runtime/client/producer-client.ts',
      'runtime/client/producer-end.ts',
    ],
    packages: [],
  },
  'runtime/retry': {
    folders: [
      'common',
      'decorators',
      'runtime/listener',
      'runtime/redis',
      'runtime/sql',
      'runtime/journal',
      'runtime/dead-letters',
      'runtime/client/producer-client.ts',
    ],
    packages: [],
  },
  'runtime/dead-letters': {
    folders: ['common', 'runtime/listener', 'runtime/client/producer-client.ts'],
    packages: [],
  },
  'runtime/template': {
    folders: ['common', 'runtime/client/producer-client.ts', 'runtime/client/consumer-client.ts'],
    packages: [],
  },
  'runtime/redis': { folders: ['common'], packages: [] },
  'runtime/offsets': {
    folders: ['common', 'runtime/redis', 'runtime/sql', 'runtime/client/consumer-client.ts'],
    packages: [],
  },
  'runtime/dedup': { folders: ['common', 'runtime/redis', 'runtime/sql'], packages: [] },
  'runtime/journal': { folders: ['common'], packages: [] },
  'runtime/outbox': { folders: ['common', 'runtime/sql', 'runtime/template', 'runtime/journal'], packages: [] },
  'runtime/inbox': { folders: ['common', 'runtime/client/consumer-client.ts', 'runtime/journal'], packages: [] },
  'runtime/sql': { folders: ['common'], packages: [] },
  'runtime/nest': {
    folders: ['common', 'decorators', 'runtime'],
    packages: ['@nestjs/common', '@nestjs/core', 'rxjs', 'class-transformer', 'class-validator', 'reflect-metadata'],
  },
  'runtime/kafka.module.ts': {
    folders: ['common', 'decorators', 'runtime', 'embedded'],
    packages: ['@nestjs/common', '@nestjs/core', 'reflect-metadata'],
  },
  broker: { folders: ['common', 'protocol'], packages: [] },
  'broker/log': { folders: ['common', 'protocol'], packages: [] },
  'broker/coordinator': { folders: ['common', 'protocol'], packages: [] },
  'broker/network': { folders: ['common', 'protocol'], packages: [] },
  embedded: { folders: ['common', 'broker', 'runtime/client/cluster'], packages: [] },
  testing: { folders: ['common', 'protocol', 'broker', 'runtime', 'embedded'], packages: [] },
  cli: { folders: ['common', 'broker', 'embedded', 'runtime'], packages: ['commander'] },
  'index.ts': { folders: ['common', 'decorators', 'runtime'], packages: [] },
};

/** Inside one folder of the table, these sub-folders must not know these others. */
const FORBIDDEN_INSIDE: ReadonlyArray<readonly [from: string, to: string]> = [
  ['broker/log', 'broker/network'],
  ['broker/log', 'broker/handlers'],
  ['broker/log', 'broker/coordinator'],
  ['broker/coordinator', 'broker/network'],
  ['broker/coordinator', 'broker/handlers'],
  ['broker/coordinator', 'broker/log'],
  ['broker/network', 'broker/log'],
  ['broker/network', 'broker/coordinator'],
  ['broker/network', 'broker/handlers'],
  ['broker/fetch', 'broker/network'],
  ['broker/metadata', 'broker/network'],
];

/** Who may touch Node's own input and output. */
const NODE_IO: Record<string, RegExp> = {
  'node:net':
    /^(common\/directory-lock\.ts|broker\/network\/|runtime\/client\/cluster\/frame-socket\.ts|embedded\/|testing\/)/,
  'node:fs':
    /^(broker\/log\/disk\/disk-file-system\.ts|runtime\/config\/|runtime\/journal\/|runtime\/threads\/|embedded\/|testing\/|cli\/)/,
  'node:worker_threads': /^(embedded\/|runtime\/threads\/)/,
  'node:child_process': /^(cli\/)/,
};

interface Import {
  readonly file: string;
  readonly to: string;
}

const files = sources(root);
const imports = files.flatMap(importsOf);

describe('architecture', () => {
  it('gives every folder its arrows', () => {
    const homeless = files.map((file) => relative(root, file)).filter((file) => ruleOf(file) === undefined);
    expect(homeless).toEqual([]);
  });

  it('lets imports point only along the arrows', () => {
    const broken = imports.filter(({ file, to }) => to.startsWith('src/') && !mayImport(file, to.slice(4)));
    expect(broken.map(describeImport)).toEqual([]);
  });

  it('lets packages be known only where they belong', () => {
    const broken = imports.filter(({ file, to }) => {
      if (to.startsWith('src/') || to.startsWith('node:') || to === '#here') return false;
      const allowed = ruleOf(file)?.packages ?? [];
      return !allowed.some((name) => to === name || to.startsWith(`${name}/`));
    });
    expect(broken.filter(({ file }) => !isCodec(file)).map(describeImport)).toEqual([]);
  });

  it('keeps files, sockets and threads behind their adapters', () => {
    const broken = imports.filter(({ file, to }) => NODE_IO[to] !== undefined && !NODE_IO[to].test(file));
    expect(broken.map(describeImport)).toEqual([]);
  });

  it('knows time and chance only through common', () => {
    const bare = /\b(Date\.now|performance\.now|Math\.random|setTimeout|setInterval|setImmediate)\b/;
    const broken = files
      .filter((file) => !/^common\/(clock|random)\.ts$/.test(relative(root, file)))
      .flatMap((file) =>
        readFileSync(file, 'utf8')
          .split('\n')
          .map((line, index) => ({
            line: line.replace(/\/\/.*|^\s*\*.*|\/\*\*.*/, ''),
            at: `${relative(root, file)}:${index + 1}`,
          }))
          .filter(({ line }) => bare.test(line))
          .map(({ at, line }) => `${at} ${line.trim()}`),
      );
    expect(broken).toEqual([]);
  });

  it('has no comment wider than 120 columns', () => {
    const wide = files.flatMap((file) =>
      readFileSync(file, 'utf8')
        .split('\n')
        .flatMap((line, at) => (line.length > 120 && /^\s*(\/\/|\/\*\*|\* )/.test(line) ? [`${file}:${at + 1}`] : [])),
    );
    expect(wide).toEqual([]);
  });

  it('has named exports only, and no file over 500 lines', () => {
    const long = files.filter((file) => readFileSync(file, 'utf8').split('\n').length > 500);
    const defaults = files.filter((file) => /^export default/m.test(readFileSync(file, 'utf8')));
    expect([...long, ...defaults].map((file) => relative(root, file))).toEqual([]);
  });

  it('has no import cycles', () => {
    expect(cycles()).toEqual([]);
  });
});

function isCodec(file: string): boolean {
  return /^protocol\/(crc32c|compression|codecs\/.*)\.ts$/.test(file);
}

function ruleOf(file: string) {
  const candidates = Object.keys(ARROWS).filter((name) => file === name || file.startsWith(`${name}/`));
  const longest = candidates.sort((a, b) => b.length - a.length)[0];
  return longest === undefined ? undefined : ARROWS[longest];
}

function mayImport(file: string, to: string): boolean {
  for (const [from, other] of FORBIDDEN_INSIDE) {
    if (file.startsWith(`${from}/`) && to.startsWith(`${other}/`)) {
      // The form of a handler is a type that handlers and coordinators' factories share.
      return false;
    }
  }
  const own = file.split('/')[0]!;
  const room = own === 'runtime' ? file.split('/').slice(0, 2).join('/') : own;
  if (to === room || to.startsWith(`${room}/`)) return true;
  return (ruleOf(file)?.folders ?? []).some((name) => to === name || to.startsWith(`${name}/`));
}

function describeImport({ file, to }: Import): string {
  return `${file} imports ${to}`;
}

function sources(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return sources(path);
    return name.endsWith('.ts') ? [path] : [];
  });
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8');
  const found: Import[] = [];
  for (const match of text.matchAll(
    /^\s*(?:import|export)\s+[^;'"]*?\s*from\s+'([^']+)'|import\('([^']+)'\)|^import '([^']+)'/gm,
  )) {
    const target = (match[1] ?? match[2] ?? match[3])!;
    const to = target.startsWith('.')
      ? `src/${relative(root, resolve(dirname(file), target)).replace(/\.js$/, '.ts')}`
      : target;
    found.push({ file: relative(root, file), to });
  }
  return found;
}

/** Cycles of imports, those of types too: a type that two files need of each other belongs to one of them. */
function cycles(): string[] {
  const graph = new Map<string, string[]>();
  for (const { file, to } of imports) {
    if (!to.startsWith('src/')) continue;
    graph.set(file, [...(graph.get(file) ?? []), to.slice(4)]);
  }
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: string[]): void => {
    const at = path.indexOf(file);
    if (at !== -1) {
      found.push([...path.slice(at), file].join(' → '));
      return;
    }
    if (done.has(file)) return;
    for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
  return found;
}
