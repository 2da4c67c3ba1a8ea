import { nearestName } from '../../../common/nearest-name.js';
import { bindValue } from '../../config/binding.js';
import { CONFIG_NAMES, type ConfigName, keyOf, spellingsOf } from '../../config/config-keys.js';
import { type Environment } from '../../config/environment.js';
import { type KafkaProperties } from '../../config/kafka-properties.js';
import { type Mistake } from '../../config/mistakes.js';
import { squeezed } from '../../config/sources/property-source.js';

// Named producers, `kafka.producers.<name>.…`: any key of the producer, over those of the connection.

const BEGIN = 'producer.';
/** What all clients of a connection share. */
const SHARED = /^producer\.(bootstrap-servers|ssl\.|security\.|properties\.(sasl|ssl)\.|transaction)/;

/** Names of producer keys behind `producer.`, by their squeezed spellings. */
let known: ReadonlyMap<string, ConfigName> | undefined;

function keysByName(): ReadonlyMap<string, ConfigName> {
  known ??= new Map(
    CONFIG_NAMES.filter(
      (name) => name.startsWith(BEGIN) && keyOf(name).acts !== undefined && !SHARED.test(name),
    ).flatMap((name) =>
      spellingsOf(name)
        .filter((spelling) => spelling.startsWith(BEGIN))
        .map((spelling) => [squeezed(spelling.slice(BEGIN.length)), name] as const),
    ),
  );
  return known;
}

/** The properties of each named producer of a connection. Adds to `mistakes` what is no key, or no value. */
export function namedProducers(
  properties: KafkaProperties,
  environment: Environment,
  mistakes: Mistake[],
): Map<string, KafkaProperties> {
  const values = new Map<string, Map<ConfigName, unknown>>();
  const origins = new Map<string, string>();
  for (const [path, value] of Object.entries(properties.get('producers'))) {
    const at = path.indexOf('.');
    const name = at < 0 ? path : path.slice(0, at);
    const below = path.slice(name.length + 1);
    const key = `${properties.prefix}.producers.${path}`;
    const origin = properties.originBelow('producers', path) ?? 'configuration';
    const found = keysByName().get(squeezed(below));
    if (!values.has(name)) values.set(name, new Map());
    if (found === undefined) {
      mistakes.push({ origin, key, value, problem: unknownKey(below), isUnknown: true });
      continue;
    }
    const bound = bindValue(keyOf(found), { origin, key, value }, environment, mistakes);
    if (bound === undefined) continue;
    values.get(name)!.set(found, bound);
    origins.set(`${name}.${found}`, origin);
  }
  const clientId = properties.get('producer.client-id') ?? properties.get('client-id');
  return new Map(
    [...values].map(([name, own]) => {
      if (!own.has('producer.client-id')) own.set('producer.client-id', `${clientId}-${name}`);
      const originOf = (key: ConfigName) => origins.get(`${name}.${key}`) ?? `${properties.prefix}.producers.${name}`;
      const keyIn = (key: ConfigName) => `${properties.prefix}.producers.${name}.${key.slice(BEGIN.length)}`;
      return [name, properties.with(own, originOf, keyIn)];
    }),
  );
}

function unknownKey(below: string): string {
  if (SHARED.test(`${BEGIN}${below}`)) {
    return 'is the same for all producers of a connection; set it for the connection, or make another one';
  }
  const names = CONFIG_NAMES.filter((name) => name.startsWith(BEGIN)).map((name) => name.slice(BEGIN.length));
  const near = nearestName(below, names);
  return `is no key of a producer${near ? `; did you mean ${near}?` : ''}`;
}
