import { type DirectoryLock } from '../../common/directory-lock.js';
import { NestdawError } from '../../common/errors.js';
import { ownFolder } from '../journal/owned-folder.js';
import { damageText, type LinePlace, WriteAheadFile } from '../journal/write-ahead-file.js';
import { messageLine, parseLine, relayedLine } from './outbox-line.js';
import { laneOf, type OutboxMessage, type StoredMessage } from './outbox-message.js';
import { type OutboxBacklog, type OutboxStore } from './outbox-store.js';

// The outbox as a local write-ahead file, for applications without a database: a message is safe when its `append`
// resolves. In memory is where each waiting message stands, not the message.

export interface FileOutboxOptions {
  /** Folder of the files; it belongs to one process at a time. */
  readonly folder: string;
  /** Messages that may wait. Default 1,000,000; beyond it `append` rejects with KAFKA_BUFFER_FULL. */
  readonly maxMessages?: number;
  /** Size at which the next file is begun, in bytes. Default 16 MiB. */
  readonly fileBytes?: number;
}

interface Waiting {
  readonly place: LinePlace;
  readonly lane: string | null;
  readonly timestamp: number;
}

export class FileOutboxStore implements OutboxStore {
  readonly #folder: string;
  readonly #maxMessages: number;
  readonly #file: WriteAheadFile;
  /** By number, oldest first. */
  readonly #waiting = new Map<number, Waiting>();
  #next = 1;
  #unwritten = 0;
  #lock: DirectoryLock | undefined;

  constructor({ folder, maxMessages = 1_000_000, fileBytes }: FileOutboxOptions) {
    this.#folder = folder;
    this.#maxMessages = maxMessages;
    this.#file = new WriteAheadFile(folder, fileBytes);
  }

  /** Rejects with KAFKA_DATA_DIR_LOCKED when another process has the folder. */
  async open(): Promise<readonly string[]> {
    this.#lock = await ownFolder(this.#folder, 'the outbox folder');
    const damage = await this.#file.open((text, place) => this.#replay(text, place));
    return damage.map((one) => damageText('outbox', one));
  }

  /** Writes messages; resolves when they survive a crash of the machine. */
  async append(messages: readonly OutboxMessage[]): Promise<void> {
    const all = this.#waiting.size + this.#unwritten + messages.length;
    if (all > this.#maxMessages) {
      const message = `the outbox ${this.#folder} holds ${this.#maxMessages} messages (maxMessages): is Kafka away?`;
      throw new NestdawError('KAFKA_BUFFER_FULL', message, { retriable: true });
    }
    this.#unwritten += messages.length;
    try {
      const numbered = messages.map((message) => ({ message, sequence: this.#next++ }));
      const lines = numbered.map(({ sequence, message }) => messageLine(sequence, message));
      const places = await this.#file.append(lines, true);
      numbered.forEach(({ sequence, message }, index) => {
        this.#add(sequence, message, places[index]!);
      });
    } finally {
      this.#unwritten -= messages.length;
    }
  }

  /** Whoever has the folder has the office. */
  async lead(): Promise<boolean> {
    return this.#lock !== undefined;
  }

  async resign(): Promise<void> {}

  async read(limit: number, withoutLanes: readonly string[]): Promise<readonly StoredMessage[]> {
    const without = new Set<string | null>(withoutLanes);
    const chosen: Array<[number, Waiting]> = [];
    for (const entry of this.#waiting) {
      if (chosen.length >= limit) break;
      if (!without.has(entry[1].lane)) chosen.push(entry);
    }
    const lines = await this.#file.read(chosen.map(([, { place }]) => place));
    return chosen.map(([sequence, waiting], index) => this.#stored(sequence, waiting, lines[index]!));
  }

  async remove(messages: readonly StoredMessage[]): Promise<void> {
    const sequences = messages.map(({ sequence }) => Number(sequence));
    // Not durable: a loss means that they are sent again, and guards know them by their id.
    await this.#file.append([relayedLine(sequences)], false);
    for (const sequence of sequences) this.#waiting.delete(sequence);
    const [oldest] = this.#waiting.values();
    await this.#file.removeBefore(oldest?.place.file ?? this.#file.active);
  }

  async backlog(): Promise<OutboxBacklog> {
    const [oldest] = this.#waiting.values();
    return { messages: this.#waiting.size, oldest: oldest?.timestamp };
  }

  async close(): Promise<void> {
    await this.#file.close();
    await this.#lock?.release();
    this.#lock = undefined;
  }

  #add(sequence: number, message: OutboxMessage, place: LinePlace): void {
    this.#waiting.set(sequence, { place, lane: laneOf(message), timestamp: message.timestamp });
  }

  #replay(text: string, place: LinePlace): boolean {
    const line = parseLine(text);
    if (line?.type === 'message') {
      this.#next = Math.max(this.#next, line.sequence + 1);
      this.#add(line.sequence, line.message, place);
    }
    if (line?.type === 'relayed') for (const sequence of line.sequences) this.#waiting.delete(sequence);
    return line !== undefined;
  }

  #stored(sequence: number, { place, lane }: Waiting, text: string): StoredMessage {
    const line = parseLine(text);
    if (line?.type === 'message') return { ...line.message, sequence: String(sequence), lane };
    const message = `message ${sequence} of the outbox ${this.#folder} cannot be read at ${place.position}`;
    throw new NestdawError('KAFKA_STORAGE_FAILED', message);
  }
}
