import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../../../src/common/clock.js';
import { KafkajsCluster } from '../../../../src/runtime/client/cluster/kafkajs-cluster.js';
import { readConfiguration } from '../../../../src/runtime/config/load-configuration.js';
import { ConnectionAdmin } from '../../../../src/runtime/nest/connection/connection-admin.js';
import { EmbeddedKafka } from '../../../../src/testing/index.js';
import { until } from '../../../../src/testing/until.js';
import { RecordingLogger } from '../../../support/fake-clients.js';

let kafka: EmbeddedKafka;

beforeAll(async () => {
  kafka = await EmbeddedKafka.start();
});
afterAll(() => kafka.stop());

function adminOf(properties: Record<string, string>, serversOf: () => string, logger = new RecordingLogger()) {
  const configuration = readConfiguration({ cwd: '/nowhere', env: {}, argv: [], properties });
  const admin = new ConnectionAdmin({
    properties: configuration.properties,
    topics: [{ name: 'late' }],
    resolve: (text) => text,
    openCluster: () => new KafkajsCluster({ bootstrapServers: [serversOf()], clientId: 'late' }),
    isFaked: () => false,
    clock: systemClock,
    logger,
  });
  admin.declare([], []);
  return admin;
}

describe('a cluster that is away', () => {
  const AWAY = '127.0.0.1:1';

  it('gets its topics when it is back, and the application does not wait for that', async () => {
    let servers = AWAY;
    const logger = new RecordingLogger();
    const properties = { 'kafka.admin.operation-timeout': '1ms', 'kafka.listener.startup-timeout': '10ms' };
    const admin = adminOf(properties, () => servers, logger);
    await admin.initialize();
    await until(() => logger.lines.length === 1);
    expect(logger.lines[0]).toMatch(
      /^warn the topics of the application could not be made: .*127\.0\.0\.1:1.*it goes on trying$/,
    );
    // Sends wait for what is going to be made.
    expect([admin.isMaking('late'), admin.isMaking('other')]).toEqual([true, false]);
    servers = kafka.bootstrapServers;
    await until(async () => (await admin.client.listTopics().catch((): string[] => [])).includes('late'), {
      timeoutMs: 30_000,
    });
    await until(() => !admin.isMaking('late'));
    await admin.close();
  }, 40_000);

  it('keeps it from starting under fail-fast', async () => {
    const admin = adminOf({ 'kafka.admin.operation-timeout': '1ms', 'kafka.admin.fail-fast': 'true' }, () => AWAY);
    await expect(admin.initialize()).rejects.toMatchObject({ code: 'KAFKA_CONNECTION_FAILED' });
    await admin.close();
  });
});
