import { join } from 'node:path';
import { Program } from '../../test/support/program.js';

/** The application under proof as a process of its own. */
export class ApplicationProcess extends Program {
  constructor(name: string, folder: string, environment: Readonly<Record<string, string>>) {
    const main = join(process.cwd(), 'dist/tools/proofs/guarantees/applications', `${name}.js`);
    super({
      name: `the application ${name}`,
      args: ['--enable-source-maps', main],
      options: { cwd: folder, env: { ...process.env, ...environment } },
    });
  }

  /** Starts it; rejects with its output when it ends before it is ready. */
  async untilReady(): Promise<void> {
    await this.start().says(/READY/);
  }
}
