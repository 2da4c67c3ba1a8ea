import { prefixOf } from '../../common/connection-name.js';
import { bindMap, bindValue } from './binding.js';
import { type ClientKind } from './config-key.js';
import { CONFIG_NAMES, type ConfigName, type ConfigValue, keyOf, spellingsOf } from './config-keys.js';
import { type Environment } from './environment.js';
import { type SharedName } from './keys/security-keys.js';
import { type Mistake } from './mistakes.js';

// The environment bound to the table: typed values, each with its origin.

/** The validated configuration of one connection; frozen. */
export class KafkaProperties {
  /** What the keys of the connection begin with: `kafka`, or `kafka.audit` for the connection `audit`. */
  readonly prefix: string;
  readonly #values: ReadonlyMap<ConfigName, unknown>;
  readonly #origins: ReadonlyMap<string, string>;
  readonly #keys: ReadonlyMap<ConfigName, string>;

  constructor(
    values: ReadonlyMap<ConfigName, unknown>,
    origins: ReadonlyMap<string, string>,
    prefix = 'kafka',
    keys: ReadonlyMap<ConfigName, string> = new Map(),
  ) {
    this.#values = values;
    this.#origins = origins;
    this.#keys = keys;
    this.prefix = prefix;
    Object.freeze(this);
  }

  /** Value of a key by its name without `kafka.`: `get('consumer.max-poll-records')` is a number. */
  get<N extends ConfigName>(name: N): ConfigValue<N> {
    return this.#values.get(name) as ConfigValue<N>;
  }

  /** Where the value comes from, such as `application.properties:3:31`; undefined for a default. */
  originOf(name: ConfigName): string | undefined {
    return this.#origins.get(name);
  }

  /** The key in full, as it can be set: `kafka.producer.acks`, or `kafka.producers.bulk.acks` of a named producer. */
  keyOf(name: ConfigName): string {
    return this.#keys.get(name) ?? `${this.prefix}.${name}`;
  }

  /** Where one name of a map comes from. */
  originBelow(map: ConfigName, name: string): string | undefined {
    return this.#origins.get(`${map}.${name}`);
  }

  /** Value of a key of all clients for one kind of them: its own where it is set, else the common one. */
  getFor<N extends SharedName>(client: ClientKind, name: N): ConfigValue<N> {
    return this.get(this.nameFor(client, name) as N);
  }

  /** The key that `getFor` takes its value from. */
  nameFor(client: ClientKind, name: SharedName): ConfigName {
    const own = `${client}.${name}` as ConfigName;
    return this.get(own) === undefined ? name : own;
  }

  /** The same with other values for some keys; origin and full key are what is said for all, or for each. */
  with(
    values: ReadonlyMap<ConfigName, unknown>,
    origin: string | ((name: ConfigName) => string),
    key?: (name: ConfigName) => string,
  ): KafkaProperties {
    if (values.size === 0) return this;
    const [origins, keys] = [new Map(this.#origins), new Map(this.#keys)];
    for (const name of values.keys()) {
      origins.set(name, typeof origin === 'string' ? origin : origin(name));
      if (key) keys.set(name, key(name));
    }
    return new KafkaProperties(new Map([...this.#values, ...values]), origins, this.prefix, keys);
  }
}

/** Binds the environment to the table. Adds to `mistakes` and goes on with the default where a value is none. */
export function bindProperties(
  environment: Environment,
  connection: string | undefined,
  mistakes: Mistake[],
): KafkaProperties {
  const prefix = prefixOf(connection);
  const values = new Map<ConfigName, unknown>();
  const origins = new Map<string, string>();
  /** Where Boot knows a connection's details, the common key of Spring stands over Kafka's own of one client. */
  const isOutdone = (name: ConfigName): boolean => {
    const { ownFirst, common } = keyOf(name);
    if (!ownFirst || common === undefined || environment.entry(`${prefix}.${name}`)) return false;
    return environment.entry(`${prefix}.${common}`) !== undefined;
  };
  for (const name of CONFIG_NAMES) {
    const key = keyOf(name);
    if (key.kind === 'map') {
      const bound = key.closed ? [] : [...bindMap(`${prefix}.${name}`, environment, mistakes)];
      values.set(name, Object.freeze(Object.fromEntries(bound.map(([below, { value }]) => [below, value]))));
      for (const [below, { origin }] of bound) origins.set(`${name}.${below}`, origin);
      continue;
    }
    const entry = isOutdone(name) ? undefined : environment.first(prefix, spellingsOf(name));
    const bound = entry && bindValue(key, entry, environment, mistakes);
    values.set(name, bound ?? key.default);
    if (bound !== undefined) origins.set(name, entry!.origin);
  }
  return new KafkaProperties(values, origins, prefix);
}
