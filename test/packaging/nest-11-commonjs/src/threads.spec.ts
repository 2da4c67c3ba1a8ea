import { join } from 'node:path';
import { Test, TestingModule } from '@nestjs/testing';
import { KafkaModule } from 'nestdaw';
import { EmbeddedKafka } from 'nestdaw/testing';
import { WorkerModule } from './worker.module';

// Jest runs the sources; threads run what `npm test` has compiled into dist before.
const compiled = join(__dirname, '../dist/worker.module.js');
const source = join(__dirname, 'worker.module.js');

describe('a listener in threads', () => {
  let kafka: EmbeddedKafka;
  let module: TestingModule | undefined;

  beforeEach(async () => {
    kafka = await EmbeddedKafka.start({ topics: ['numbers', 'answers'] });
    await kafka.produce('numbers', 0, [{ key: null, value: Buffer.from('{"n":1}') }]);
  });

  afterEach(async () => {
    await module?.close();
    await kafka.stop();
  });

  async function start(file: string, properties: Record<string, string> = {}) {
    const imports = [KafkaModule.forRoot({ threads: { module: file }, properties }), WorkerModule];
    module = await kafka.provide(Test.createTestingModule({ imports })).compile();
    await module.init();
    const [answer] = await kafka.untilRecords('answers', 1, { timeoutMs: 60_000 });
    return JSON.parse(answer.value!.toString());
  }

  it('runs in one', async () => {
    const { n, threadId } = await start(compiled);
    expect(n).toBe(1);
    expect(threadId).toBeGreaterThan(0);
  }, 60_000);

  it('runs from source where threads are switched off', async () => {
    expect(await start(source, { 'kafka.listener.threads-enabled': 'false' })).toEqual({ n: 1, threadId: 0 });
  }, 60_000);

  it('says what to do where there is only source', async () => {
    await expect(start(source)).rejects.toThrow(/worker\.module\.ts, but a thread runs compiled JavaScript/);
    module = undefined; // it never started
  }, 60_000);
});
