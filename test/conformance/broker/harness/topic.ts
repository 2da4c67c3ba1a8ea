import { type Api, type RequestInput, type ResponseOf } from '../../../../src/protocol/api.js';
import { Fetch, ListOffsets, Produce } from '../../../../src/protocol/messages/index.js';
import { isControl } from '../../../../src/protocol/record-batch-header.js';
import { type RawClient } from '../../../support/raw-client.js';
import { batch, batchesIn, type CaseBatch, recordsIn } from './batches.js';

// A topic of a case, with short ways to write to it, read it and see what state it is in.

export interface ProduceOptions {
  readonly partition?: number;
  readonly version?: number;
  readonly acks?: number;
  readonly client?: RawClient;
  readonly transactionalId?: string;
}

export interface FetchOptions extends Partial<RequestInput<typeof Fetch>> {
  readonly partition?: number;
  readonly partitionMaxBytes?: number;
  readonly version?: number;
  readonly client?: RawClient;
}

/** Whom it speaks through. */
export interface Speaker {
  readonly client: RawClient;
  send<A extends Api>(api: A, version: number, request: RequestInput<A>): Promise<ResponseOf<A>>;
}

export class Topic {
  constructor(
    readonly world: Speaker,
    readonly name: string,
    readonly id: string,
  ) {}

  /** Hands bytes to one partition; its part of the answer. */
  async produce(records: Buffer | null, options: ProduceOptions = {}) {
    const { partition = 0, version = 12, acks = -1, client = this.world.client, transactionalId = null } = options;
    const topicData = [{ name: this.name, topicId: this.id, partitionData: [{ index: partition, records }] }];
    const answer = await client.send(Produce, version, { transactionalId, acks, timeoutMs: 5000, topicData });
    return answer.responses[0]!.partitionResponses[0]!;
  }

  /** Stores one record for each value, in one batch; the offset of the first. */
  async write(values: readonly string[], options: CaseBatch & { partition?: number } = {}): Promise<number> {
    const { partition = 0, ...rest } = options;
    const answer = await this.produce(batch(values, rest), { partition });
    if (answer.errorCode !== 0) throw new Error(`write to ${this.name}: error ${answer.errorCode}`);
    return answer.baseOffset;
  }

  /** Fetches from one partition; its part of the answer. */
  async fetch(offset: number, options: FetchOptions = {}) {
    const { client = this.world.client, version = 12, ...rest } = options;
    const answer = await client.send(Fetch, version, this.fetchRequest(offset, rest));
    return answer.responses[0]!.partitions[0]!;
  }

  fetchRequest(offset: number, options: FetchOptions = {}): RequestInput<typeof Fetch> {
    const { partition = 0, partitionMaxBytes = 1 << 20, client: _, version: __, ...rest } = options;
    return {
      maxWaitMs: 0,
      minBytes: 1,
      isolationLevel: 0,
      topics: [
        { topic: this.name, topicId: this.id, partitions: [{ partition, fetchOffset: offset, partitionMaxBytes }] },
      ],
      forgottenTopicsData: [],
      ...rest,
    };
  }

  /** Offset, time and leader epoch that ListOffsets gives for a time. */
  async offset(timestamp: number, options: { partition?: number; version?: number; isolationLevel?: number } = {}) {
    const { partition = 0, version = 9, isolationLevel = 0 } = options;
    const topics = [{ name: this.name, partitions: [{ partitionIndex: partition, timestamp }] }];
    const answer = await this.world.send(ListOffsets, version, { replicaId: -1, isolationLevel, topics });
    return answer.topics[0]!.partitions[0]!;
  }

  /** Where the log begins and ends. */
  async ends(partition = 0): Promise<[start: number, end: number]> {
    const start = await this.offset(-2, { partition });
    const end = await this.offset(-1, { partition });
    return [start.offset, end.offset];
  }

  /** Everything readable of one partition, as bytes. */
  async bytes(partition = 0, isolationLevel = 0): Promise<Buffer> {
    const [start, end] = await this.ends(partition);
    const pieces: Buffer[] = [];
    for (let at = start; at < end; ) {
      const { records } = await this.fetch(at, { partition, isolationLevel, partitionMaxBytes: 1 << 24 });
      const batches = batchesIn(records);
      if (batches.length === 0) break;
      pieces.push(...batches);
      const last = batches.at(-1)!;
      at = Number(last.readBigInt64BE(0)) + last.readInt32BE(23) + 1;
    }
    return Buffer.concat(pieces);
  }

  /** The values of one partition in their order, those of control batches left out. */
  async values(partition = 0): Promise<(string | null)[]> {
    const batches = batchesIn(await this.bytes(partition)).filter((one) => !isControl(one));
    return batches.flatMap((one) => recordsIn(one)).map(({ value }) => value?.toString() ?? null);
  }
}
