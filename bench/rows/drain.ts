import { type Measured } from '../row.js';

/**
 * Counts deliveries; tells the rate from the first to the last of them, and the CPU that this process used for each.
 * `warmUp`: so many come before those, so that compilers have seen what is measured.
 */
export class Drain {
  #count = 0;
  #left = 0;
  #unmeasured = 0;
  #started = 0;
  #cpu = process.cpuUsage();
  #resolve: (measured: Measured) => void = () => undefined;

  constructor(readonly warmUp = 0) {}

  expect(count: number): Promise<Measured> {
    this.#count = this.#left = count;
    this.#unmeasured = this.warmUp;
    this.#started = 0;
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  hit(records: number): void {
    if (this.#unmeasured > 0) {
      this.#unmeasured -= records;
      // Those of its batch that came behind them are no part of it either.
      if (this.#unmeasured < 0) this.#left = this.#count += this.#unmeasured;
      return;
    }
    if (this.#started === 0) {
      this.#started = performance.now();
      this.#cpu = process.cpuUsage();
    }
    this.#left -= records;
    if (this.#left > 0) return;
    const ms = performance.now() - this.#started;
    const { user, system } = process.cpuUsage(this.#cpu);
    this.#resolve({
      value: (this.#count * 1_000) / ms,
      beside: { 'CPU µs/record': (user + system) / this.#count },
    });
  }
}

/**
 * The usual time between two deliveries, told as a rate: a pause of the machine counts as one of them, however long.
 */
export class Pace extends Drain {
  #gaps: number[] = [];
  #last: number | undefined;

  override async expect(count: number): Promise<Measured> {
    this.#gaps = [];
    this.#last = undefined;
    const { beside } = await super.expect(count);
    const middle = this.#gaps.sort((a, b) => a - b)[this.#gaps.length >> 1]!;
    return { value: 1_000 / middle, beside };
  }

  override hit(records: number): void {
    const now = performance.now();
    if (this.#last !== undefined) this.#gaps.push(now - this.#last);
    this.#last = now;
    super.hit(records);
  }
}
