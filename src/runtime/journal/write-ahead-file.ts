import { type FileHandle, mkdir, open, readdir, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type Deferred, deferred } from '../../common/lifecycle.js';
import { syncDirectory } from '../../common/sync-directory.js';

// Lines in files that follow each other. A line is there after a crash once its `append` resolved: one fsync serves all
// that wait for it. Opening gives every whole line back, cuts off what a crash left half written at the end, and says
// what else it passed over.

const NAME = /^(\d{20})\.journal$/;

/** Where a line stands. */
export interface LinePlace {
  readonly file: number;
  readonly position: number;
  readonly length: number;
}

/** Bytes that are no whole line, with whole lines behind them: no crash leaves such. */
export interface JournalDamage {
  readonly path: string;
  readonly position: number;
  readonly bytes: number;
}

/** One sentence for the log. */
export function damageText(what: string, { path, position, bytes }: JournalDamage): string {
  return `${what}: ${bytes} bytes of ${path} are damaged from position ${position} on: what stood there is lost, the rest is read`;
}

interface Waiting {
  readonly lines: readonly string[];
  readonly isDurable: boolean;
  readonly done: Deferred<LinePlace[]>;
}

export class WriteAheadFile {
  readonly #folder: string;
  readonly #maxBytes: number;
  readonly #handles = new Map<number, FileHandle>();
  #active = 0;
  #size = 0;
  #queue: Waiting[] = [];
  #writing: Promise<void> | undefined;

  constructor(folder: string, maxBytes = 16 * 1024 * 1024) {
    this.#folder = folder;
    this.#maxBytes = maxBytes;
  }

  /** Reads what is there, oldest first. `take` returns false for a line that is not whole: it is passed over. */
  async open(take: (line: string, place: LinePlace) => boolean): Promise<JournalDamage[]> {
    await makeFolder(this.#folder);
    const names = (await readdir(this.#folder)).flatMap((name) => NAME.exec(name)?.[1] ?? []);
    const files = names.map(Number).sort((a, b) => a - b);
    const damage: JournalDamage[] = [];
    for (const file of files) damage.push(...(await this.#load(file, take)));
    if (files.length === 0) await this.#create(1);
    return damage;
  }

  /** Appends lines, each with its end. Resolves when they are written, and durable where `isDurable` says so. */
  append(lines: readonly string[], isDurable: boolean): Promise<LinePlace[]> {
    const done = deferred<LinePlace[]>();
    this.#queue.push({ lines, isDurable, done });
    this.#writing ??= this.#write();
    return done.promise;
  }

  /** Lines (without their ends) by their places. Those that stand side by side are read at once. */
  async read(places: readonly LinePlace[]): Promise<string[]> {
    const lines: string[] = [];
    for (let from = 0; from < places.length; ) {
      const { file, position } = places[from]!;
      let end = position;
      let to = from;
      for (; to < places.length && places[to]!.file === file && places[to]!.position === end; to++) {
        end += places[to]!.length;
      }
      const buffer = Buffer.allocUnsafe(end - position);
      await this.#handles.get(file)!.read(buffer, 0, buffer.length, position);
      for (const place of places.slice(from, to)) {
        const start = place.position - position;
        lines.push(buffer.toString('utf8', start, start + place.length - 1));
      }
      from = to;
    }
    return lines;
  }

  /** Removes every file before this one. */
  async removeBefore(file: number): Promise<void> {
    for (const [old, handle] of this.#handles) {
      if (old >= file) continue;
      this.#handles.delete(old);
      await handle.close();
      await unlink(this.#path(old));
    }
  }

  /** The file that is written now. */
  get active(): number {
    return this.#active;
  }

  async close(): Promise<void> {
    await this.#writing;
    for (const handle of this.#handles.values()) await handle.close();
    this.#handles.clear();
  }

  async #write(): Promise<void> {
    while (this.#queue.length > 0) {
      const waiting = this.#queue;
      this.#queue = [];
      try {
        const places = await this.#writeAll(waiting);
        waiting.forEach(({ done }, index) => {
          done.resolve(places[index]!);
        });
      } catch (error) {
        for (const { done } of waiting) done.reject(error);
      }
    }
    this.#writing = undefined;
  }

  async #writeAll(waiting: readonly Waiting[]): Promise<LinePlace[][]> {
    if (this.#size >= this.#maxBytes) await this.#create(this.#active + 1);
    const handle = this.#handles.get(this.#active)!;
    const start = this.#size;
    let position = start;
    const places = waiting.map(({ lines }) =>
      lines.map((line) => {
        const place = { file: this.#active, position, length: Buffer.byteLength(line) };
        position += place.length;
        return place;
      }),
    );
    const bytes = Buffer.from(waiting.flatMap(({ lines }) => lines).join(''));
    try {
      for (let written = 0; written < bytes.length; ) {
        written += (await handle.write(bytes, written, bytes.length - written, start + written)).bytesWritten;
      }
      if (waiting.some(({ isDurable }) => isDurable)) await handle.datasync();
    } catch (error) {
      // What was refused must not come back after a restart. Should this fail as well, the next write covers it.
      await handle.truncate(start).catch(() => undefined);
      throw error;
    }
    this.#size = position;
    return places;
  }

  async #create(file: number): Promise<void> {
    const path = this.#path(file);
    const handle = await open(path, 'wx+');
    try {
      await syncDirectory(this.#folder); // before it is written to: a file exists durably once its folder was synced
    } catch (error) {
      await handle.close();
      await unlink(path); // the next write makes it anew
      throw error;
    }
    this.#handles.set(file, handle);
    this.#active = file;
    this.#size = 0;
  }

  async #load(file: number, take: (line: string, place: LinePlace) => boolean): Promise<JournalDamage[]> {
    const handle = await open(this.#path(file), 'r+');
    this.#handles.set(file, handle);
    const bytes = await handle.readFile();
    const damage: JournalDamage[] = [];
    /** End of the last whole line. */
    let whole = 0;
    let position = 0;
    for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, position)) {
      const length = end + 1 - position;
      if (take(bytes.toString('utf8', position, end), { file, position, length })) {
        if (whole < position) damage.push({ path: this.#path(file), position: whole, bytes: position - whole });
        whole = end + 1;
      }
      position = end + 1;
    }
    if (whole < bytes.length) await handle.truncate(whole);
    this.#active = file;
    this.#size = whole;
    return damage;
  }

  #path(file: number): string {
    return join(this.#folder, `${String(file).padStart(20, '0')}.journal`);
  }
}

/** With everything above it that was missing, durably. */
async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return;
  for (let made = resolve(folder); made.length >= first.length; made = dirname(made))
    await syncDirectory(dirname(made));
}
