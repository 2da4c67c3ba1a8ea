import { type MetadataImage } from './metadata-image.js';
import { type MetadataLog } from './metadata-log.js';
import { metadataRecord } from './metadata-record.js';
import { ProducerIds } from './metadata-records.js';

// Producer ids, taken in blocks: a block is in the metadata log, durably, before its first id is given out, so that
// no id is given twice whatever happens in between.

const BLOCK = 1000;

export class ProducerIdBlocks {
  readonly #log: MetadataLog;
  readonly #image: MetadataImage;
  readonly #nodeId: number;
  #next = 0;
  #end = 0;
  #taking: Promise<void> | undefined;

  constructor(log: MetadataLog, nodeId: number) {
    this.#log = log;
    this.#image = log.image;
    this.#nodeId = nodeId;
  }

  async next(): Promise<bigint> {
    while (this.#next === this.#end) {
      this.#taking ??= this.#take().finally(() => {
        this.#taking = undefined;
      });
      await this.#taking;
    }
    return BigInt(this.#next++);
  }

  async #take(): Promise<void> {
    const first = this.#image.nextProducerId;
    const brokerEpoch = this.#image.registration(this.#nodeId)?.brokerEpoch ?? -1;
    const nextProducerId = first + BLOCK;
    this.#log.append([metadataRecord(ProducerIds, 0, { brokerId: this.#nodeId, brokerEpoch, nextProducerId })]);
    await this.#log.flush();
    this.#next = first;
    this.#end = nextProducerId;
  }
}
