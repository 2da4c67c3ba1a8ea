import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { loadConfiguration } from '../../../../src/runtime/config/load-configuration.js';
import { embeddedOptions } from '../../../../src/runtime/nest/connection/embedded-options.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'embedded-options-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const CREATES = 'auto.create.topics.enable';

function brokerConfig(properties: Record<string, string>): Readonly<Record<string, string>> {
  return embeddedOptions(loadConfiguration({ cwd: folder, env: {}, argv: [], properties })).config;
}

it('the broker beside an application makes topics by itself, but not under the profile production', () => {
  expect(brokerConfig({})).not.toHaveProperty([CREATES]);
  expect(brokerConfig({ 'spring.profiles.active': 'development' })).not.toHaveProperty([CREATES]);
  expect(brokerConfig({ 'spring.profiles.active': 'eu,production' })[CREATES]).toBe('false');
});

it('what the application says of its broker goes before what its profile means', () => {
  const own = { [`kafka.embedded.properties.${CREATES}`]: 'true' };
  expect(brokerConfig({ 'spring.profiles.active': 'production', ...own })[CREATES]).toBe('true');
});
