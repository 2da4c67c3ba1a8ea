import { Environment } from '../../config/environment.js';
import { type PropertyEntry, type PropertySource } from '../../config/sources/property-source.js';

// `${__listener.topic}`: placeholders that the object of the listener itself fills, as Spring's `beanRef` does. So two
// providers of one class listen to two topics.

const PREFIX = '__listener.';

class HostProperties implements PropertySource {
  readonly name: string;
  readonly #host: object;

  constructor(host: object) {
    this.#host = host;
    this.name = `the instance of ${host.constructor.name}`;
  }

  get(name: string): PropertyEntry | undefined {
    if (!name.startsWith(PREFIX)) return undefined;
    let value: unknown = this.#host;
    for (const part of name.slice(PREFIX.length).split('.')) {
      const holder = value as Record<string, unknown>;
      value = typeof holder[part] === 'function' ? (holder[part] as () => unknown)() : holder[part];
      if (value === undefined || value === null) return undefined;
    }
    return { key: name, value: String(value), origin: this.name };
  }

  entries(): Iterable<PropertyEntry> {
    return [];
  }
}

/** The environment, with the properties of the listener's object; its methods are called without arguments. */
export function withHost(environment: Environment, host: object | undefined): Environment {
  return host === undefined ? environment : new Environment([...environment.sources, new HostProperties(host)]);
}
