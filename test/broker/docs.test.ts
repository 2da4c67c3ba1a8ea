import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { apisByKey } from '../../src/protocol/api-keys.js';
import { ApiVersions } from '../../src/protocol/messages/index.js';
import { BrokerFixture } from '../support/broker-fixture.js';

describe('docs/broker.md', () => {
  it('lists every API that the broker advertises, with its versions, and no other', async () => {
    const fixture = await BrokerFixture.start();
    const { apiKeys } = await fixture.client.send(ApiVersions, 0, {});
    await fixture.stop();
    const rows = apiKeys.map(({ apiKey, minVersion, maxVersion }) => {
      const versions = minVersion === maxVersion ? minVersion : `${minVersion}–${maxVersion}`;
      return `| ${apiKey} | ${apisByKey.get(apiKey)!.name} | ${versions} |`;
    });
    const listed = readFileSync('docs/broker.md', 'utf8')
      .split('\n')
      .filter((line) => /^\| \d+ \| [A-Z]/.test(line));
    expect(listed).toEqual(rows);
  });
});
