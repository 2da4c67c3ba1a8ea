import { editDistance, nearestName } from '../../common/nearest-name.js';
import { type ClientKind } from './config-key.js';
import { CONFIG_NAMES, clientOf, keyOf } from './config-keys.js';
import { MEANT_PROPERTIES, REMOVED_KEYS } from './keys/removed-keys.js';
import { knownNames } from './known-names.js';
import { canonicalName, squeezed } from './sources/property-source.js';

// What to say about a name that nobody knows.

/** This few letters apart a name is surely the one that was meant. */
const SURELY = 2;

/** `key` as written; `rest` its canonical form behind `kafka.` and the name of the connection. */
export function explainUnknown(key: string, rest: string, connections: readonly string[]): string {
  const begin = key.slice(0, Math.max(0, canonicalStart(key, rest)));
  const removed = Object.entries(REMOVED_KEYS).find(([name]) => canonicalName(name) === rest);
  if (removed) return removed[1].replace(/(write |uses )(\S)/, `$1${begin}$2`);
  const foreign = foreignProperty(rest);
  if (foreign !== undefined) return foreign;
  const known = knownNames().byCanonical;
  const connection = connectionLike(rest);
  const other = connection === undefined ? undefined : nearestName(connection, connections);
  const near = meantKey(rest) ?? likeWhole(rest, nearestName(rest, known.keys()));
  if (other !== undefined)
    return `unknown key; did you mean ${begin}${other}.${nameOf(rest.slice(connection!.length + 1))}?`;
  if (connection !== undefined && (near === undefined || editDistance(rest, canonicalName(near)) > SURELY)) {
    return `unknown key; there is no connection ${connection}: give it with KafkaModule.forRoot({ name: '${connection}' }), or remove the key`;
  }
  if (near !== undefined) return `unknown key; did you mean ${begin}${nameOf(near)}?`;
  const property = PROPERTY.exec(rest)?.[1];
  return property === undefined
    ? 'unknown key, and none is like it; remove it (nestdaw config --keys lists all keys)'
    : `unknown key, and no property of Kafka is like ${property}; what a class of your own reads stands outside of ` +
        `kafka., as ${property}: inject Environment`;
}

const PROPERTY = /^(?:(?:consumer|producer|admin)\.)?properties\.(.+)$/;

/** What stands before a property makes two names longer, not more alike. */
function likeWhole(rest: string, near: string | undefined): string | undefined {
  const property = PROPERTY.exec(rest)?.[1];
  if (near === undefined || property === undefined) return near;
  return editDistance(rest, near) <= Math.max(SURELY, Math.floor(property.length / 3)) ? near : undefined;
}

/** As the reference writes it. */
function nameOf(name: string): string {
  return knownNames().byCanonical.get(canonicalName(name))?.name ?? name;
}

/** What an unknown variable is close to, as the end of a sentence. */
export function explainVariable(variable: string): string | undefined {
  const bare = squeezed(variable)
    .replace(/^spring(?=kafka)/, '')
    .slice('kafka'.length);
  for (const [name, known] of knownNames().bySqueezed) {
    if (Math.abs(name.length - bare.length) > 2 || editDistance(name, bare) > 2) continue;
    const prefix = /^SPRING_/i.test(variable) ? 'SPRING_KAFKA_' : 'KAFKA_';
    return `; did you mean ${prefix}${known.name.toUpperCase().replace(/[-.]/g, '_')}?`;
  }
  return undefined;
}

/** A property of another kind of client. */
function foreignProperty(rest: string): string | undefined {
  const match = /^(consumer|producer|admin)\.properties\.(.+)$/.exec(rest);
  const clients = match && knownNames().clientsOf.get(match[2]!);
  if (!clients || clients.has(match[1] as ClientKind)) return undefined;
  const others = [...clients].map((client) => `${client}.properties.${match[2]}`).join(' or ');
  return `a ${match[1]} has no property ${match[2]}; it belongs to ${others}`;
}

/** Kafka's property where a key of Spring is expected, or one of the names that letters do not lead to. */
function meantKey(rest: string): string | undefined {
  const match = /^(?:(consumer|producer|admin)\.)?(?:properties\.)?(.+)$/.exec(rest)!;
  const client = match[1] as ClientKind | undefined;
  const property = MEANT_PROPERTIES[match[2]!] ?? match[2]!;
  const clients = knownNames().clientsOf.get(property);
  if (!clients) return undefined;
  const fits = (name: string) => client === undefined || (clientOf(name) ?? client) === client;
  const named = CONFIG_NAMES.filter((name) => keyOf(name).property === property && fits(name));
  const own = named.find((name) => !name.includes('properties.')) ?? named[0];
  if (own !== undefined) return own;
  return client === undefined ? `properties.${property}` : `${client}.properties.${property}`;
}

/** `audit` in `audit.consumer.groupid`. */
function connectionLike(rest: string): string | undefined {
  const dot = rest.indexOf('.');
  return dot > 0 && knownNames().byCanonical.has(rest.slice(dot + 1)) ? rest.slice(0, dot) : undefined;
}

/** Where in `key` the part begins that `rest` is the canonical form of. */
function canonicalStart(key: string, rest: string): number {
  for (let at = key.indexOf('.') + 1; at > 0; at = key.indexOf('.', at) + 1) {
    if (canonicalName(key.slice(at)).replace(/\[\d+\]$/, '') === rest) return at;
  }
  return 0;
}
