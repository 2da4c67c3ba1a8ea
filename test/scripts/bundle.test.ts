import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';

// The program of the package is one file; what it loads later stays where it is.

interface BundleScript {
  readonly requiredBy: (source: string) => string[];
  readonly bundled: (
    root: string,
    program: { entry: string; more?: string[]; aliases?: Record<string, string> },
  ) => string;
}

const { bundled, requiredBy } = (await import(
  new URL('../../scripts/bundle.mjs', import.meta.url).href
)) as BundleScript;

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function project(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'bundle-'));
  folders.push(root);
  for (const [name, source] of Object.entries(files)) {
    mkdirSync(join(root, name, '..'), { recursive: true });
    writeFileSync(join(root, name), source);
  }
  return root;
}

function run(root: string, name: string): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, name)], { cwd: tmpdir() });
  if (status !== 0) throw new Error(String(stderr));
  return String(stdout);
}

const FILES = {
  'package.json': '{"type":"commonjs"}',
  'cli/main.js':
    '#!/usr/bin/env node\n"use strict";\nconst a = require("../a.js");\nconst early = require("../a.js");\n' +
    'console.log(a === early, a.name, require("node:path").basename(__filename));\n' +
    'Promise.resolve().then(() => {\n    console.log(require("../late.js").name, require("../more.js") === require("../more.js"));\n});\n',
  'a.js':
    '"use strict";\nconst b = require("./deep/b.js");\nexports.name = "a+" + b.name;\n//# sourceMappingURL=a.js.map\n',
  // A circle, as two modules that know each other make it.
  'deep/b.js':
    '"use strict";\nconst a = require("../a.js");\nconst here = require("#here");\nexports.name = "b@" + here.folder;\nexports.a = () => a;\n',
  'here.js': '"use strict";\nexports.folder = require("node:path").basename(__dirname) !== "" ? "here" : "";\n',
  'more.js': '"use strict";\nexports.name = "more";\n',
  'late.js': '"use strict";\nexports.name = "late";\n',
};
const PROGRAM = { entry: 'cli/main.js', more: ['more.js'], aliases: { '#here': 'here.js' } };

describe('a program in one file', () => {
  it('says what its files say, without those that are inside', () => {
    const root = project(FILES);
    const text = bundled(root, PROGRAM);
    writeFileSync(join(root, 'cli/program.js'), text);
    for (const inside of ['cli/main.js', 'a.js', 'deep/b.js', 'here.js', 'more.js']) rmSync(join(root, inside));
    expect(run(root, 'cli/program.js')).toBe('true a+b@here main.js\nlate true\n');
    expect(text).not.toContain('sourceMappingURL');
  });

  it('holds what is loaded at the start, and not what a function loads later', () => {
    const source =
      'const a = require("./a.js");\n__exportStar(require("../b.js"), exports);\n// require("./comment.js")\n' +
      'const p = require("node:path");\nfunction f() {\n    return require("./later.js");\n}\n';
    expect(requiredBy(source)).toEqual(['./a.js', '../b.js']);
  });
});
