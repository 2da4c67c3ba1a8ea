// Bytes of one file in memory. They lie in blocks, so that a growing file is never copied as a whole.

const FIRST_BLOCK = 1024;
const BLOCK = 256 * 1024;

export class MemoryFile {
  /** All of BLOCK bytes, but the first one may still be smaller. */
  #blocks: Buffer[] = [];
  #size = 0;
  #synced: Buffer = Buffer.alloc(0);

  constructor(public modifiedAt: number) {}

  get size(): number {
    return this.#size;
  }

  read(target: Buffer, targetStart: number, length: number, position: number): number {
    const end = Math.min(this.#size, position + length);
    let at = position;
    while (at < end) {
      const offset = at % BLOCK;
      const count = Math.min(end - at, BLOCK - offset);
      this.#blocks[Math.floor(at / BLOCK)]!.copy(target, targetStart + at - position, offset, offset + count);
      at += count;
    }
    return Math.max(0, at - position);
  }

  write(bytes: Buffer, position: number, now: number): void {
    this.modifiedAt = now;
    const end = position + bytes.length;
    this.#reserve(end);
    for (let at = position; at < end; ) {
      const offset = at % BLOCK;
      const count = Math.min(end - at, BLOCK - offset);
      bytes.copy(this.#blocks[Math.floor(at / BLOCK)]!, offset, at - position, at - position + count);
      at += count;
    }
    this.#size = Math.max(this.#size, end);
  }

  #reserve(end: number): void {
    const first = this.#blocks[0];
    const needed = Math.min(end, BLOCK);
    if (needed > 0 && (!first || first.length < needed)) {
      const grown = Buffer.alloc(Math.min(BLOCK, Math.max(FIRST_BLOCK, (first?.length ?? 0) * 2, needed)));
      first?.copy(grown);
      this.#blocks[0] = grown;
    }
    while (this.#blocks.length * BLOCK < end) this.#blocks.push(Buffer.alloc(BLOCK));
  }

  truncate(size: number, now: number): void {
    this.modifiedAt = now;
    const blocks = Math.ceil(size / BLOCK);
    if (size >= this.#size) {
      this.#reserve(size);
    } else {
      this.#blocks.length = Math.min(this.#blocks.length, blocks);
      // What grows back later must read as zeros.
      if (size % BLOCK > 0) this.#blocks[blocks - 1]!.fill(0, size % BLOCK);
    }
    this.#size = size;
  }

  content(): Buffer {
    const out = Buffer.alloc(this.#size);
    this.read(out, 0, this.#size, 0);
    return out;
  }

  /** These bytes would survive a power loss. */
  markSynced(content: Buffer = this.content()): void {
    this.#synced = content;
  }

  /** Back to the synced bytes; `keep` says how large the file remains, in case part of what followed survived. */
  loseUnsynced(keep: (synced: number, written: number) => number): void {
    const written = this.content();
    const size = Math.max(this.#synced.length, Math.min(keep(this.#synced.length, written.length), written.length));
    const survived = Buffer.concat([this.#synced, written.subarray(this.#synced.length, size)]);
    this.#blocks = [];
    this.#size = 0;
    this.write(survived, 0, this.modifiedAt);
    this.#synced = survived;
  }
}
