import { createRequire } from 'node:module';
import { type Document, type LineCounter, type Node, type ParsedNode, type Scalar } from 'yaml';
import { buildRoot } from '#here';
import { type Mistake } from '../mistakes.js';
import { type PropertyEntry } from './property-source.js';

// The text of an application.yml as properties: `a: {b: [x, y]}` is `a.b[0]=x`, `a.b[1]=y`. Plain values are taken as
// they are written (`1.10` stays 1.10). Every entry remembers line and column of its value; `---` begins another
// document.

type Yaml = typeof import('yaml');
let loaded: Yaml | undefined;

/** Loaded when the first YAML file is read: the parser costs more than all the rest of a start's configuration. */
function yaml(): Yaml {
  loaded ??= createRequire(new URL('index.js', buildRoot))('yaml') as Yaml;
  return loaded;
}

/** The file's documents, top to bottom; what is no YAML is a mistake with its line and column. */
export function readYamlText(file: string, text: string, mistakes: Mistake[]): PropertyEntry[][] {
  const { LineCounter, parseAllDocuments, isMap, isScalar } = yaml();
  const lines = new LineCounter();
  // Merge keys (`<<`) as in YAML 1.1, which Spring reads.
  const documents = parseAllDocuments(text, { lineCounter: lines, merge: true, prettyErrors: false });
  if (!Array.isArray(documents)) return [];
  return (documents as readonly Document.Parsed[]).map((document) => {
    for (const error of document.errors) {
      mistakes.push({ origin: place(file, lines, error.pos[0]), problem: `is not YAML: ${error.message}` });
    }
    const root = document.contents as ParsedNode | null;
    if (document.errors.length > 0 || root === null || (isScalar(root) && root.value === null)) return [];
    const walk = new Walk(file, lines, document, mistakes);
    if (isMap(root)) walk.node('', root);
    else mistakes.push({ origin: place(file, lines, root.range[0]), problem: 'is no map of names and values' });
    return walk.entries;
  });
}

class Walk {
  readonly entries: PropertyEntry[] = [];

  constructor(
    readonly file: string,
    readonly lines: LineCounter,
    readonly document: Document.Parsed,
    readonly mistakes: Mistake[],
  ) {}

  node(path: string, node: Node | null, at = node?.range?.[0] ?? 0): void {
    const { isAlias, isMap, isScalar, isSeq } = yaml();
    if (isAlias(node)) {
      const anchored = node.resolve(this.document);
      if (anchored) this.node(path, anchored, at);
      else this.problem(at, `nothing is anchored as &${node.source}`);
    } else if (isMap(node)) {
      if (node.items.length === 0 && path !== '') this.#add(path, '', at);
      for (const { key, value } of node.items) this.#pair(path, key, value as Node | null);
    } else if (isSeq(node)) {
      if (node.items.length === 0) this.#add(path, '', at);
      for (const [index, item] of node.items.entries()) this.node(`${path}[${index}]`, item as Node | null);
    } else if (isScalar(node)) {
      this.#add(path, textOf(node), at);
    } else {
      this.#add(path, '', at);
    }
  }

  #pair(path: string, key: unknown, value: Node | null): void {
    const { isAlias, isMap, isScalar, isSeq } = yaml();
    const name = isScalar(key) ? textOf(key) : String(key);
    const at = value?.range?.[0] ?? (key as Node).range?.[1];
    if (name === '<<' && isScalar(key) && key.type === 'PLAIN') {
      const merged = isAlias(value) ? value.resolve(this.document) : value;
      const maps = isSeq(merged) ? merged.items : [merged];
      // What stands in the map itself, and in an earlier merge, comes later among the entries and so counts.
      const before = this.entries.length;
      for (const map of [...maps].reverse()) {
        const node = isAlias(map) ? map.resolve(this.document) : map;
        if (isMap(node)) this.node(path, node, at);
      }
      this.entries.unshift(...this.entries.splice(before));
      return;
    }
    this.node(name.startsWith('[') || path === '' ? `${path}${name}` : `${path}.${name}`, value, at);
  }

  problem(at: number, problem: string): void {
    this.mistakes.push({ origin: place(this.file, this.lines, at), problem: `is not YAML: ${problem}` });
  }

  #add(key: string, value: string, at: number): void {
    this.entries.push({ key, value, origin: place(this.file, this.lines, at) });
  }
}

/** Plain text as written; null is empty, as in Spring. */
function textOf(scalar: Scalar): string {
  if (scalar.value === null || scalar.value === undefined) return '';
  return scalar.type === 'PLAIN' && scalar.source !== undefined
    ? scalar.source
    : String(scalar.value as string | number | boolean);
}

function place(file: string, lines: LineCounter, offset: number): string {
  const { line, col } = lines.linePos(offset);
  return `${file}:${line}:${col}`;
}
