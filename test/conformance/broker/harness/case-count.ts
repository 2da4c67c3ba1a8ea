import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, afterEach, expect } from '@jest/globals';
import { type Api } from '../../../../src/protocol/api.js';
import { type SocketClient } from '../../../support/raw-client.js';

// What each case asked of which API, for `npm run test:cases`: how many cases an API has, and in how many of them it
// refused something, lost its connection, or was asked while another request was under way.

/** API keys that a case asked, and of these the ones that met trouble. */
export interface CaseReport {
  readonly name: string;
  readonly asked: readonly number[];
  readonly troubled: readonly number[];
}

const ERROR_CODE = /^(e|\w+E)rrorCode$/;

export class CaseCount {
  readonly #cases: CaseReport[] = [];
  readonly #asked = new Set<number>();
  readonly #troubled = new Set<number>();
  readonly #underWay: number[] = [];
  #isPaused = false;

  /** Counts what this connection asks from now on. */
  watch(client: SocketClient): void {
    const send = client.send.bind(client);
    client.send = async (api, version, request) => {
      const counts = !this.#isPaused;
      if (counts) this.#begin(api);
      try {
        const answer = await send(api, version, request);
        if (counts && hasError(answer)) this.#troubled.add(api.key);
        return answer;
      } catch (error) {
        if (counts) this.#troubled.add(api.key);
        throw error;
      } finally {
        if (counts) this.#underWay.splice(this.#underWay.indexOf(api.key), 1);
      }
    };
  }

  /** What is asked meanwhile prepares a case and is none. */
  async pause<T>(work: () => Promise<T>): Promise<T> {
    this.#isPaused = true;
    try {
      return await work();
    } finally {
      this.#isPaused = false;
    }
  }

  #begin({ key }: Api): void {
    this.#asked.add(key);
    this.#underWay.push(key);
    if (this.#underWay.length > 1) for (const racing of this.#underWay) this.#troubled.add(racing);
  }

  /** For the cases of the file that is running. */
  report(folder: string): void {
    afterEach(() => {
      const { currentTestName: name = '' } = expect.getState();
      this.#cases.push({ name, asked: [...this.#asked], troubled: [...this.#troubled] });
      this.#asked.clear();
      this.#troubled.clear();
      this.#underWay.length = 0;
    });
    afterAll(() => {
      const file = basename(expect.getState().testPath ?? 'unknown');
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, `${file}.json`), JSON.stringify(this.#cases));
    });
  }
}

function hasError(answer: unknown): boolean {
  if (Array.isArray(answer)) return answer.some(hasError);
  if (typeof answer !== 'object' || answer === null || Buffer.isBuffer(answer)) return false;
  return Object.entries(answer).some(([name, value]) =>
    ERROR_CODE.test(name) ? value !== 0 : typeof value === 'object' && hasError(value),
  );
}
