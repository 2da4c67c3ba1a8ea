import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Program } from '../test/support/program.js';

// A sample as a process of its own, in a folder of its own, started and killed at will. It has to be built, and to log
// a line with `ready: `, or `ready in `.

export class SampleProcess extends Program {
  protected constructor(
    name: string,
    readonly folder: string,
    readonly port: number,
    environment: Readonly<Record<string, string>>,
  ) {
    const sample = join(process.cwd(), 'samples', name);
    super({
      name: `the sample ${name}`,
      args: [join(sample, 'dist/main.js')],
      options: { cwd: folder, env: { ...process.env, ...environment, PORT: String(port) } },
    });
    copyFileSync(join(sample, 'application.properties'), join(folder, 'application.properties'));
  }

  static async create(name: string, environment: Readonly<Record<string, string>> = {}): Promise<SampleProcess> {
    return new SampleProcess(name, folderFor(name), await freePort(), environment);
  }

  /** Starts it; resolves with the ms it took to be ready, or rejects with its output when it ends before. */
  untilReady(): Promise<number> {
    const ready = this.start()
      .says(/ready(: | in)/)
      .then(() => this.ageMs);
    ready.catch(() => undefined); // a start that is killed on purpose is nobody's error
    return ready;
  }

  async remove(): Promise<void> {
    await this.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function folderFor(name: string): string {
  return mkdtempSync(join(tmpdir(), `${name}-`));
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
