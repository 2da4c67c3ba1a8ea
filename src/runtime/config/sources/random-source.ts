import { type Random, randomUuid, systemRandom } from '../../../common/random.js';
import { type PropertyEntry, type PropertySource } from './property-source.js';

// `${random.uuid}` and its like, as in Spring: a new value at every look.

const INT_SPAN = 2 ** 32;
const LONG_SPAN = Number.MAX_SAFE_INTEGER;

/** `random.value`, `.uuid`, `.int`, `.int(10)` (below 10), `.int[5,9]` (from 5 to 8), and the same for `.long`. */
export class RandomPropertySource implements PropertySource {
  readonly name = 'random';
  readonly #random: Random;

  constructor(random: Random = systemRandom) {
    this.#random = random;
  }

  get(name: string): PropertyEntry | undefined {
    if (!name.startsWith('random.')) return undefined; // nearly every name is another
    const kind = /^random\.(.+)$/.exec(name)?.[1];
    const value = kind === undefined ? undefined : this.#value(kind);
    return value === undefined ? undefined : { key: name, value, origin: 'random' };
  }

  entries(): Iterable<PropertyEntry> {
    return [];
  }

  #value(kind: string): string | undefined {
    if (kind === 'uuid') return randomUuid(this.#random);
    if (kind === 'value') return this.#random.bytes(16).toString('hex');
    const number = /^(int|long)(?:[([](-?\d+)(?:,\s*(-?\d+))?[)\]])?$/.exec(kind);
    if (!number) return undefined;
    const [, type, first, second] = number;
    if (first === undefined) {
      const span = type === 'int' ? INT_SPAN : LONG_SPAN;
      return String(Math.floor(this.#random.next() * span) - (type === 'int' ? INT_SPAN / 2 : 0));
    }
    const [from, below] = second === undefined ? [0, Number(first)] : [Number(first), Number(second)];
    return below > from ? String(from + Math.floor(this.#random.next() * (below - from))) : undefined;
  }
}
