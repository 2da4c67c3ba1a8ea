import { type DirectoryLock } from '../../common/directory-lock.js';
import { NestdawError } from '../../common/errors.js';
import { type KafkaRecord } from '../../common/record.js';
import { type TopicPartition, TopicPartitionMap } from '../../common/topic-partition.js';
import { ownFolder } from '../journal/owned-folder.js';
import { damageText, WriteAheadFile } from '../journal/write-ahead-file.js';
import { droppedLine, finishedLine, type InboxLine, parseInboxLine, recordLine, takenLine } from './inbox-line.js';
import { type InboxEntry, InboxPartition } from './inbox-partition.js';

// An inbox on the disk: records come in durably, are handed out as often as it takes, and leave when they are finished.

export class InboxJournal {
  readonly #folder: string;
  readonly #file: WriteAheadFile;
  readonly #partitions = new TopicPartitionMap<InboxPartition>();
  #lock: DirectoryLock | undefined;
  #count = 0;

  constructor(folder: string, fileBytes?: number) {
    this.#folder = folder;
    this.#file = new WriteAheadFile(folder, fileBytes);
  }

  /**
   * Reads what is there; resolves with what is damaged, in sentences for the log. Rejects with KAFKA_DATA_DIR_LOCKED
   * when another process has the folder.
   */
  async open(): Promise<readonly string[]> {
    this.#lock = await ownFolder(this.#folder, 'the inbox');
    const damage = await this.#file.open((text, place) => {
      const line = parseInboxLine(text);
      if (line) this.#replay(line, { ...place });
      return line !== undefined;
    });
    for (const partition of this.partitions()) partition.seek(partition.finished);
    return damage.map((one) => damageText('inbox', one));
  }

  /** Records that wait, of all partitions. */
  get count(): number {
    return this.#count;
  }

  partitions(): InboxPartition[] {
    return [...this.#partitions.values()];
  }

  get(topic: string, partition: number): InboxPartition | undefined {
    return this.#partitions.get(topic, partition);
  }

  /** The partition; a new one begins at `start`. */
  partition(tp: TopicPartition, start: number): InboxPartition {
    let partition = this.#partitions.get(tp.topic, tp.partition);
    if (!partition) {
      partition = new InboxPartition(tp, start);
      this.#partitions.set(tp.topic, tp.partition, partition);
    }
    return partition;
  }

  /**
   * Takes records of one partition in; resolves when they survive a crash. Those that are here already are left out.
   */
  async take(partition: InboxPartition, records: readonly KafkaRecord[], nextOffset: number): Promise<void> {
    const fresh = records.filter(({ offset }) => partition.isNew(offset));
    if (fresh.length > 0) {
      const places = await this.#file.append(fresh.map(recordLine), true);
      fresh.forEach(({ offset, timestamp }, index) => {
        partition.add({ offset, timestamp, place: places[index]! });
      });
      this.#count += fresh.length;
    }
    partition.passTo(nextOffset);
  }

  /** Kafka knows that records before `offset` are here. Not durable: then some of them are offered once more. */
  async taken(partition: InboxPartition, offset: number): Promise<void> {
    partition.taken = offset;
    await this.#file.append([takenLine(partition, offset)], false);
  }

  /** Records before `offset` are finished, and those above that the metadata tells. */
  async finish(partition: InboxPartition, offset: number, metadata: string): Promise<void> {
    await this.#file.append([finishedLine(partition, offset, metadata)], false);
    this.#count -= partition.finish(offset, metadata);
    let oldest = this.#file.active;
    for (const { oldest: entry } of this.partitions()) if (entry) oldest = Math.min(oldest, entry.place.file);
    await this.#file.removeBefore(oldest);
  }

  /** The group was moved back to `offset`: what waits from there on comes again. */
  async drop(partition: InboxPartition, offset: number): Promise<void> {
    await this.#file.append([droppedLine(partition, offset)], true);
    this.#count -= partition.drop(offset);
  }

  async read(entries: readonly InboxEntry[]): Promise<KafkaRecord[]> {
    const lines = await this.#file.read(entries.map(({ place }) => place));
    return lines.map((text, index) => {
      const line = parseInboxLine(text);
      if (line?.type === 'record') return line.record;
      const { offset, place } = entries[index]!;
      const message = `offset ${offset} cannot be read from the inbox ${this.#folder} at ${place.position}`;
      throw new NestdawError('KAFKA_STORAGE_FAILED', message);
    });
  }

  async close(): Promise<void> {
    await this.#file.close();
    await this.#lock?.release();
    this.#lock = undefined;
  }

  #replay(line: InboxLine, place: InboxEntry['place']): void {
    const { topic, partition: number, offset } = line.type === 'record' ? line.record : line;
    const partition = this.partition({ topic, partition: number }, offset);
    if (line.type === 'record') {
      if (!partition.isNew(offset)) return;
      partition.add({ offset, timestamp: line.record.timestamp, place });
      this.#count += 1;
    } else if (line.type === 'finished') this.#count -= partition.finish(offset, line.metadata);
    else if (line.type === 'taken') partition.taken = offset;
    else this.#count -= partition.drop(offset);
  }
}
