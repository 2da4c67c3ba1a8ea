import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Injectable, Logger } from '@nestjs/common';
import { Environment } from 'nestdaw';

/** What each way of committing has done, in files that outlive the process. */
@Injectable()
export class Notes {
  readonly #logger = new Logger('Notes');
  readonly #folder: string;
  readonly #done = new Map<string, Set<string>>();
  readonly #repeated = new Map<string, number>();

  constructor(environment: Environment) {
    this.#folder = environment.get('jobs.notes') ?? './.nestdaw/done';
    mkdirSync(this.#folder, { recursive: true });
    for (const way of readdirSync(this.#folder)) this.#of(way);
  }

  /** Notes a job as done, and says so when it was done before. */
  add(way: string, job: string): void {
    const done = this.#of(way);
    if (done.has(job)) {
      this.#repeated.set(way, (this.#repeated.get(way) ?? 0) + 1);
      this.#logger.warn(`${way}: ${job} once more`);
    }
    done.add(job);
    appendFileSync(join(this.#folder, way), `${job}\n`);
  }

  /** Jobs done and jobs repeated since the start, by way. */
  counts(): Record<string, { readonly done: number; readonly repeated: number }> {
    const counts = [...this.#done].map(([way, done]) => [
      way,
      { done: done.size, repeated: this.#repeated.get(way) ?? 0 },
    ]);
    return Object.fromEntries(counts) as Record<string, { done: number; repeated: number }>;
  }

  #of(way: string): Set<string> {
    let done = this.#done.get(way);
    if (!done) {
      const file = join(this.#folder, way);
      done = new Set(existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : []);
      this.#done.set(way, done);
    }
    return done;
  }
}
