import { type Random, randomUuid, systemRandom } from '../../../common/random.js';

/** Ids that tie replies to their requests: 16 bytes, as Spring's; unique by chance and by count. */
export class CorrelationIds {
  readonly #start: Buffer;
  #count = 0;

  constructor(random: Random = systemRandom) {
    this.#start = Buffer.from(randomUuid(random).replaceAll('-', ''), 'hex');
  }

  next(): Buffer {
    const id = Buffer.from(this.#start);
    // What is safe as a number fits into the last seven bytes.
    id.writeUIntBE(++this.#count % 2 ** 48, 10, 6);
    return id;
  }
}
