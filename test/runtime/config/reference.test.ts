import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { CONFIG_NAMES, keyOf } from '../../../src/runtime/config/config-keys.js';
import { configurationMetadata } from '../../../src/runtime/config/reference/metadata.js';
import { referencePage } from '../../../src/runtime/config/reference/reference-page.js';
import { sections } from '../../../src/runtime/config/reference/sections.js';

describe('docs/configuration.md', () => {
  it('is what the table says: npm run docs:configuration', () => {
    expect(readFileSync('docs/configuration.md', 'utf8')).toBe(referencePage());
  });

  it('has every key of the table once', () => {
    const shown = sections().flatMap(({ names }) => names);
    expect(new Set(shown).size).toBe(shown.length);
    const missing = CONFIG_NAMES.filter((name) => !shown.includes(name) && keyOf(name).common === undefined);
    expect(missing).toEqual([]);
  });
});

describe('the metadata for editors', () => {
  const metadata = configurationMetadata();
  const named = (name: string) => metadata.properties.find((property) => property.name === name);

  it('has both prefixes, types, defaults and hints', () => {
    expect(named('spring.kafka.consumer.max-poll-records')).toEqual({
      name: 'spring.kafka.consumer.max-poll-records',
      type: 'java.lang.Integer',
      description: 'Records handed to a listener container at once.',
      defaultValue: 500,
    });
    expect(named('kafka.producer.properties.linger.ms')).toMatchObject({
      type: 'java.time.Duration',
      defaultValue: '0',
    });
    expect(named('kafka.producer.batch-size')).toMatchObject({ defaultValue: '16KB' });
    expect(named('kafka.retry.topic.delay')).toMatchObject({ deprecation: { level: 'error' } });
    const hint = metadata.hints.find(({ name }) => name === 'kafka.security.protocol');
    expect(hint?.values.map(({ value }) => value)).toEqual(['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL']);
    expect(metadata.groups).toContainEqual({ name: 'spring.kafka.consumer', type: 'nestdaw' });
  });

  it('names nothing twice', () => {
    const names = metadata.properties.map(({ name }) => name);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it('is written by the build', () => {
    const path = 'dist/spring-configuration-metadata.json';
    expect(existsSync(path)).toBe(true);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(metadata);
  });
});
