import { type ClientKind, type ConfigKey } from './config-key.js';
import { CONFIG_NAMES, keyOf, PROPERTIES_WITHOUT_EFFECT, spellingsOf } from './config-keys.js';
import { NO_ADMIN } from './keys/reasons.js';
import { canonicalName, squeezed } from './sources/property-source.js';

// Every name that may follow `kafka.`, by the forms in which sources are asked.

export interface KnownName {
  /** As the reference writes it, without `kafka.`. */
  readonly name: string;
  readonly key: ConfigKey<unknown>;
  /** Why it has no effect under this name. */
  readonly inert: string | undefined;
}

export class KnownNames {
  #bySqueezed: ReadonlyMap<string, KnownName> | undefined;

  constructor(
    readonly byCanonical: ReadonlyMap<string, KnownName>,
    /** Maps that take any name below them. */
    readonly openMaps: readonly KnownName[],
    /** Kafka's property names, and the clients that have them. */
    readonly clientsOf: ReadonlyMap<string, ReadonlySet<ClientKind>>,
  ) {}

  /** For environment variables; made when the first of them looks like one of ours. */
  get bySqueezed(): ReadonlyMap<string, KnownName> {
    this.#bySqueezed ??= new Map([...this.byCanonical.values()].map((known) => [squeezed(known.name), known]));
    return this.#bySqueezed;
  }
}

const CLIENTS: readonly ClientKind[] = ['consumer', 'producer', 'admin'];
let known: KnownNames | undefined;

export function knownNames(): KnownNames {
  known ??= collect();
  return known;
}

function collect(): KnownNames {
  const byCanonical = new Map<string, KnownName>();
  const clientsOf = new Map<string, Set<ClientKind>>();
  const add = (name: string, key: ConfigKey<unknown>, inert: string | undefined): void => {
    const canonical = canonicalName(name);
    // A name that acts for one client and not for another acts.
    if (byCanonical.has(canonical) && (inert !== undefined || byCanonical.get(canonical)!.name === name)) return;
    const entry = { name, key, inert };
    byCanonical.set(canonical, entry);
  };
  const addClients = (property: string, clients: readonly ClientKind[]): void => {
    const all = clientsOf.get(property) ?? new Set();
    for (const client of clients) all.add(client);
    clientsOf.set(property, all);
  };
  for (const name of CONFIG_NAMES) {
    const key = keyOf(name);
    for (const spelling of spellingsOf(name)) add(spelling, key, key.inert);
    if (key.property !== undefined) {
      const client = CLIENTS.find((one) => name.startsWith(`${one}.`));
      addClients(key.property, client ? [client] : CLIENTS);
    }
  }
  for (const [property, key] of Object.entries(PROPERTIES_WITHOUT_EFFECT)) {
    addClients(property, key.clients);
    add(`properties.${property}`, key, key.inert);
    for (const client of key.clients) add(`${client}.properties.${property}`, key, key.inert);
  }
  for (const property of ADMIN_PROPERTIES) {
    addClients(property, ['admin']);
    const key = CONFIG_NAMES.map(keyOf).find((one) => one.property === property)!;
    add(`admin.properties.${property}`, key, NO_ADMIN);
  }
  const openMaps = CONFIG_NAMES.filter((name) => keyOf(name).kind === 'map' && !keyOf(name).closed).map((name) => ({
    name,
    key: keyOf(name),
    inert: keyOf(name).inert,
  }));
  return new KnownNames(byCanonical, openMaps, clientsOf);
}

/** What the admin client shares with consumers or producers, where those act. */
const ADMIN_PROPERTIES = [
  'bootstrap.servers',
  'default.api.timeout.ms',
  'retries',
  'retry.backoff.ms',
  'retry.backoff.max.ms',
  'metadata.max.age.ms',
  'socket.connection.setup.timeout.ms',
];
