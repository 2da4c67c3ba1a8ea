import { nearestName } from '../../../common/nearest-name.js';
import { type KafkaContainerOptions } from '../../../decorators/kafka-container-options.js';
import { type KafkaListenerOptions } from '../../../decorators/listener-options.js';
import { type OptionReader } from '../option-reader.js';
import { type ProviderLookup } from '../provider-lookup.js';

// `containerFactory`: what a listener does not say itself comes from a set of options with a name.

/** The set that counts for listeners which name none. */
export const DEFAULT_CONTAINER = 'default';

export type ContainerSets = Readonly<Record<string, KafkaContainerOptions>>;

/** The listener's own options over those of its set. */
export function withContainer(
  read: OptionReader,
  options: KafkaListenerOptions,
  sets: ContainerSets,
  lookup: ProviderLookup,
): KafkaListenerOptions {
  const set = setOf(read, options.containerFactory, sets, lookup);
  if (set === undefined) return options;
  const own = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  return { ...set, ...own, properties: { ...set.properties, ...options.properties } };
}

function setOf(
  read: OptionReader,
  given: KafkaListenerOptions['containerFactory'],
  sets: ContainerSets,
  lookup: ProviderLookup,
): KafkaContainerOptions | undefined {
  if (given === undefined) return sets[DEFAULT_CONTAINER];
  if (typeof given !== 'string') {
    const allowed = `one of the module's containers by name, or a provider with container options`;
    const wanted = { origin: read.where, option: 'containerFactory', allowed };
    return lookup.find(given, wanted, read.mistakes) as KafkaContainerOptions | undefined;
  }
  const name = read.text('containerFactory', given);
  if (name === undefined) return undefined;
  const found = sets[name] ?? (lookup.named(name) as KafkaContainerOptions | undefined);
  if (found !== undefined) return found;
  const near = nearestName(name, Object.keys(sets));
  const known = Object.keys(sets).join(', ') || 'none';
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  read.mistake(
    'containerFactory',
    name,
    `there are no containers of that name (known: ${known})${hint}; add it to containers of KafkaModule.forRoot`,
  );
  return undefined;
}
