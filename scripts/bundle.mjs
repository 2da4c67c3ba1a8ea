// Puts a program and all that it loads at its start into one file: finding and reading three hundred small ones takes
// Node longer than running them. What is loaded later is read from where it lies, as before.
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';

/** What a module of the build loads while it is loaded: lines that are not indented are not in a function. */
export function requiredBy(source) {
  return source
    .split('\n')
    .filter((line) => !/^[\s/*]/.test(line))
    .flatMap((line) => [...line.matchAll(/\brequire\("([.#][^"]*)"\)/g)].map(([, name]) => name));
}

const resolved = (id, name, aliases) => aliases[name] ?? posix.join(posix.dirname(id), name);

/** Ids of the modules that `roots` need at once, relative to `root`. */
function reachable(root, roots, aliases) {
  const sources = new Map();
  const visit = (id) => {
    if (sources.has(id)) return;
    const source = readFileSync(`${root}/${id}`, 'utf8');
    sources.set(id, source);
    for (const name of requiredBy(source)) visit(resolved(id, name, aliases));
  };
  for (const id of roots) visit(id);
  return sources;
}

const withoutMarks = (source) => source.replace(/^#!.*\n/, '').replace(/^\/\/# sourceMappingURL=.*$/m, '');

/**
 * Text of a CommonJS program that runs `entry`, with what it and `more` load at their start inside. It is to lie
 * beside `entry`, below `root`; `aliases` gives the names that do not begin with a dot.
 */
export function bundled(root, { entry, more = [], aliases = {} }) {
  const modules = [...reachable(root, [entry, ...more], aliases)].map(
    ([id, source]) =>
      `${JSON.stringify(id)}(exports, require, module, __filename, __dirname) {\n${withoutMarks(source)}\n},\n`,
  );
  return `#!/usr/bin/env node
'use strict';
const { join, posix } = require('node:path');
const root = join(__dirname, ${JSON.stringify(posix.relative(posix.dirname(entry), '.') || '.')});
const aliases = ${JSON.stringify(aliases)};
const loaded = new Map();
function load(id) {
  if (!Object.hasOwn(modules, id)) return require(join(root, id));
  let module = loaded.get(id);
  if (module) return module.exports;
  module = { exports: {} };
  loaded.set(id, module);
  const file = join(root, id);
  const requireHere = (name) => {
    const known = aliases[name] ?? (name.startsWith('.') ? posix.join(posix.dirname(id), name) : undefined);
    return known === undefined ? require(name) : load(known);
  };
  modules[id](module.exports, requireHere, module, file, join(file, '..'));
  return module.exports;
}
const modules = {
${modules.join('')}};
load(${JSON.stringify(entry)});
`;
}
