import { Program } from '../test/support/program.js';

// `nestdaw broker` as a process of its own on a folder that outlives it, started and killed at will.

const MAIN = 'dist/cjs/cli/nestdaw.js';

export interface BrokerStart {
  readonly port: number;
  /** Ms from spawning the process until it said that it is ready. */
  readonly readyMs: number;
}

export class BrokerProcess extends Program {
  /** @param port default: another free one at each start */
  constructor(
    readonly directory: string,
    settings: Readonly<Record<string, string>> = {},
    readonly port = 0,
  ) {
    const overrides = Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
    super({
      name: 'the broker',
      args: [MAIN, 'broker', '--port', String(port), '--data-dir', directory, '--verbose', ...overrides],
    });
  }

  /** Starts the process; rejects with its output when it ends before it is ready. */
  untilReady(): Promise<BrokerStart> {
    const ready = this.start()
      .says(/ready on \S+:(\d+),/)
      .then(([, port]) => ({ port: Number(port), readyMs: this.ageMs }));
    ready.catch(() => undefined); // a start that is killed on purpose is nobody's error
    return ready;
  }
}
