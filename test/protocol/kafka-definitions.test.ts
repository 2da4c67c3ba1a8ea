import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';
import { type Api } from '../../src/protocol/api.js';
import { apisByKey } from '../../src/protocol/api-keys.js';
import { type FieldSpec, type Fields, type FieldType } from '../../src/protocol/schema.js';
import { describeWith } from '../support/describe-with.js';
import { zipEntries } from '../support/zip-entries.js';

// Our tables against the definitions that Apache Kafka's own client carries, where the scripts have fetched it
// (node scripts/kafka.mjs fetch): same fields, in the same order, of the same types, in every version.

interface Definition {
  readonly apiKey: number;
  readonly type: string;
  readonly validVersions: string;
  readonly flexibleVersions: string;
  readonly fields: DefinedField[];
  readonly commonStructs?: Array<{ readonly name: string; readonly fields: DefinedField[] }>;
}

interface DefinedField {
  readonly name: string;
  readonly type: string;
  readonly versions: string;
  readonly nullableVersions?: string;
  readonly tag?: number;
  readonly taggedVersions?: string;
  readonly fields?: DefinedField[];
}

const KINDS: Record<string, string> = {
  bool: 'bool',
  int8: 'i8',
  int16: 'i16',
  uint16: 'u16',
  int32: 'i32',
  uint32: 'u32',
  int64: 'i64',
  float64: 'f64',
  uuid: 'uuid',
  string: 'string',
  bytes: 'bytes',
  records: 'records',
};

function contains(versions: string | undefined, version: number): boolean {
  if (versions === undefined || versions === 'none') return false;
  const [from, to] = versions.endsWith('+') ? [versions.slice(0, -1)] : versions.split('-');
  return version >= Number(from) && (versions.endsWith('+') || version <= Number(to ?? from));
}

/** One line a field: name, type, null, tag; structs indented below. */
function defined(fields: DefinedField[], structs: Map<string, DefinedField[]>, version: number, indent = ''): string[] {
  const here = fields.filter((field) => contains(field.versions, version));
  return sortTags(
    here.map((field) => {
      const element = field.type.replace(/^\[\]/, '');
      const nullable = contains(field.nullableVersions, version);
      const tag = contains(field.taggedVersions, version) ? field.tag : undefined;
      const inner = KINDS[element]
        ? []
        : defined(field.fields ?? structs.get(element)!, structs, version, `${indent}  `);
      const name = field.name.charAt(0).toLowerCase() + field.name.slice(1);
      const type = `${field.type.startsWith('[]') ? '[]' : ''}${KINDS[element] ?? 'struct'}`;
      return { tag, lines: [lineOf(indent, name, type, nullable, tag), ...inner] };
    }),
  );
}

function ours(fields: Fields, version: number, flexible: boolean, indent = ''): string[] {
  const here = Object.entries(fields).filter(([, { spec }]) => {
    return version >= spec.from && version <= spec.to && (spec.tag === undefined || flexible);
  });
  return sortTags(
    here.map(([name, { spec }]) => {
      const element = elementOf(spec);
      const inner = element.kind === 'struct' ? ours(element.fields, version, flexible, `${indent}  `) : [];
      const type = `${spec.type.kind === 'array' ? '[]' : ''}${element.kind === 'i64Exact' ? 'i64' : element.kind}`;
      return { tag: spec.tag, lines: [lineOf(indent, name, type, version >= spec.nullableFrom, spec.tag), ...inner] };
    }),
  );
}

const elementOf = (spec: FieldSpec): FieldType =>
  spec.type.kind === 'array' ? spec.type.element.spec.type : spec.type;

const lineOf = (indent: string, name: string, type: string, nullable: boolean, tag: number | undefined): string =>
  `${indent}${name}: ${type}${nullable ? '?' : ''}${tag === undefined ? '' : ` #${tag}`}`;

/** Tagged fields travel behind the others, by their tags; where a table lists them says nothing. */
function sortTags(entries: Array<{ tag: number | undefined; lines: string[] }>): string[] {
  return entries.sort((a, b) => (a.tag ?? -1) - (b.tag ?? -1)).flatMap(({ lines }) => lines);
}

const home = fileURLToPath(new URL('../../.kafka/', import.meta.url));
const jars = (existsSync(home) ? readdirSync(home) : [])
  .map((version) => `${home}${version}/libs/kafka-clients-${version}.jar`)
  .filter((jar) => existsSync(jar));

const whyNoJar = jars.length > 0 ? undefined : 'Apache Kafka is not there; fetch it with: node scripts/kafka.mjs fetch';
describeWith('comparison with the definitions of Apache Kafka', whyNoJar)(
  'the tables and the definitions of Apache Kafka',
  () => {
    const definitions = new Map<string, Definition>();
    for (const content of jars.length > 0 ? zipEntries(jars.at(-1)!, isDefinition).values() : []) {
      const definition = JSON.parse(content.toString().replace(/^\s*\/\/.*$/gm, '')) as Definition;
      definitions.set(`${definition.apiKey} ${definition.type}`, definition);
    }

    it.each([...apisByKey.values()].map((api) => [api.name, api] as const))('%s', (_name, api: Api) => {
      for (const direction of ['request', 'response'] as const) {
        const definition = definitions.get(`${api.key} ${direction}`)!;
        const structs = new Map(definition.commonStructs?.map(({ name, fields }) => [name, fields]));
        for (let version = api.minVersion; version <= api.maxVersion; version++) {
          const flexible = version >= api.flexibleFrom;
          expect(contains(definition.validVersions, version)).toBe(true);
          expect([version, contains(definition.flexibleVersions, version)]).toEqual([version, flexible]);
          const table = ours(api[direction].fields, version, flexible);
          expect([direction, version, ...table]).toEqual([
            direction,
            version,
            ...defined(definition.fields, structs, version),
          ]);
        }
      }
    });
  },
);

function isDefinition(name: string): boolean {
  return /^common\/message\/\w+(Request|Response)\.json$/.test(name);
}
