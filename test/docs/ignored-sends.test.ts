import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

// The lint rule of docs/sending.md, as it stands there, over code that uses the template's types: it reports the sends
// whose promise is dropped, and nothing else.

const ROOT = resolve('.');

const SENDS = `import { type KafkaTemplate } from 'nestdaw';

export async function place(template: KafkaTemplate<string>): Promise<unknown> {
  template.send('orders', 'ignored');
  await template.send('orders', 'awaited');
  template.sendOneway('orders', 'nobody is to wait');
  return template.send('orders', 'returned');
}
`;

const TYPES = {
  compilerOptions: {
    target: 'ES2022',
    module: 'NodeNext',
    moduleResolution: 'NodeNext',
    strict: true,
    skipLibCheck: true,
    types: [],
    paths: { nestdaw: [join(ROOT, 'src/index.ts')] },
  },
  include: ['*.ts'],
};

interface Finding {
  readonly code: string;
  readonly labels: ReadonlyArray<{ readonly span: { readonly line: number } }>;
}

describe('sends that nobody waits for', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ignored-sends-'));
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(TYPES));
    writeFileSync(join(folder, '.oxlintrc.json'), documentedRules());
    writeFileSync(join(folder, 'sends.ts'), SENDS);
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  it('are reported under the documented rule, and only they', async () => {
    const found = await lint(folder);
    expect(found.map(({ code, labels }) => [code, labels[0]!.span.line])).toEqual([
      ['typescript(no-floating-promises)', 4],
    ]);
  });
});

function documentedRules(): string {
  const [, rules] = /in `\.oxlintrc\.json`:\n\n```json\n([^`]+)```/.exec(readFileSync('docs/sending.md', 'utf8'))!;
  return rules!;
}

/** What oxlint says of a folder; it ends with 1 when it has something to say. */
function lint(folder: string): Promise<readonly Finding[]> {
  const program = join(ROOT, 'node_modules/oxlint/bin/oxlint');
  const args = [program, '--type-aware', '--format', 'json', '-c', join(folder, '.oxlintrc.json'), folder];
  return new Promise((done, fail) => {
    execFile(process.execPath, args, { cwd: ROOT }, (_error, stdout, stderr) => {
      try {
        done((JSON.parse(stdout) as { diagnostics: Finding[] }).diagnostics);
      } catch {
        fail(new Error(`oxlint: ${stdout}${stderr}`));
      }
    });
  });
}
