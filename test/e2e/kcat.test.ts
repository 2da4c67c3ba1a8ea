import { spawnSync } from 'node:child_process';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { EmbeddedKafka } from '../../src/testing/index.js';
import { describeWith } from '../support/describe-with.js';

// librdkafka, an independent implementation of the protocol, against our broker: by way of kcat.

const whyNoKcat =
  spawnSync('kcat', ['-V']).status === 0 ? undefined : 'kcat is not on the PATH (Debian: apt-get install kcat)';

/** An answer at the end of a partition would wait for half a second. */
const AT_ONCE = ['-X', 'fetch.wait.max.ms=10'];

describeWith('librdkafka through kcat', whyNoKcat)('kcat', () => {
  let kafka: EmbeddedKafka;
  beforeAll(async () => {
    kafka = await EmbeddedKafka.start({ topics: { greetings: 3 } });
  });
  afterAll(() => kafka.stop());

  /** In a process of its own, while this thread serves as its broker. */
  function kcat(args: readonly string[], input = ''): Promise<string> {
    return new Promise((resolve, reject) => {
      const code = `const { parentPort, workerData } = require('node:worker_threads');
        const { spawnSync } = require('node:child_process');
        const done = spawnSync('kcat', workerData.args, { input: workerData.input, encoding: 'utf8', timeout: 20000 });
        parentPort.postMessage({ status: done.status, stdout: done.stdout, stderr: done.stderr });`;
      const worker = new Worker(code, {
        eval: true,
        workerData: { args: ['-b', kafka.bootstrapServers, ...args], input },
      });
      worker.once('message', ({ status, stdout, stderr }: { status: number; stdout: string; stderr: string }) =>
        status === 0 ? resolve(stdout) : reject(new Error(stderr)),
      );
      worker.once('error', reject);
    });
  }

  it('lists the broker and its topics', async () => {
    const list = await kcat(['-L']);
    expect(list).toContain(`broker 1 at ${kafka.bootstrapServers} (controller)`);
    expect(list).toContain('topic "greetings" with 3 partitions');
  });

  it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])('produces and consumes with codec %s', async (codec) => {
    const lines = Array.from({ length: 50 }, (_, i) => `${codec}-${i}`);
    await kcat(['-P', '-t', `codec-${codec}`, '-z', codec], `${lines.join('\n')}\n`);
    const read = await kcat(['-C', '-t', `codec-${codec}`, '-o', 'beginning', '-e', '-q', ...AT_ONCE]);
    expect(read.trim().split('\n').sort()).toEqual([...lines].sort());
  });

  it('reads in a group and commits', async () => {
    await kcat(['-P', '-t', 'greetings'], 'a\nb\nc\n');
    const read = await kcat(['-G', 'kcats', '-e', '-q', ...AT_ONCE, '-X', 'auto.offset.reset=earliest', 'greetings']);
    expect(read.trim().split('\n').sort()).toEqual(['a', 'b', 'c']);
    await kafka.untilConsumed('kcats', 'greetings');
  });
});
