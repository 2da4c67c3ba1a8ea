import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { DiskFileSystem } from '../../../../src/broker/log/disk/disk-file-system.js';
import { LogManager } from '../../../../src/broker/log/log-manager.js';
import { describeWith } from '../../../support/describe-with.js';
import { flush, ManualClock } from '../../../support/manual-clock.js';
import { appendAll, batchOf, NOW, readAll } from '../log-fixture.js';

const PARTITIONS = 100;
const MAX_OPEN = 20;

/** Descriptors of this process for files in the directory. */
function openIn(directory: string): number {
  return readdirSync('/proc/self/fd').filter((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith(directory);
    } catch {
      return false; // the descriptor of this very listing
    }
  }).length;
}

const whyNoProc = platform() === 'linux' ? undefined : 'only Linux lists the descriptors of a process below /proc';

describeWith('limit of open files', whyNoProc)('open files', () => {
  it('stay within their limit however many partitions are written and read, and none is left over', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'nestdaw-open-'));
    try {
      const logs = await LogManager.open({
        fileSystem: new DiskFileSystem(),
        directory,
        clock: new ManualClock(NOW),
        nodeId: 1,
        maxOpenFiles: MAX_OPEN,
      });
      const config = { 'segment.bytes': '300', 'index.interval.bytes': '10', 'file.delete.delay.ms': '0' };
      let most = 0;
      for (let round = 0; round < 2; round++) {
        for (let i = 0; i < PARTITIONS; i++) {
          appendAll(logs.create('t', i, { config }), [batchOf({ count: 2 }), batchOf()]);
          if (i % 10 === 0) most = Math.max(most, openIn(directory));
        }
      }
      const flushed = Promise.all(Array.from(logs.logs(), (log) => log.flush()));
      let isFlushing = true;
      void flushed.finally(() => {
        isFlushing = false;
      });
      while (isFlushing) {
        most = Math.max(most, openIn(directory));
        await flush(1);
      }
      for (const log of logs.logs()) expect(readAll(log)).toHaveLength(4);
      most = Math.max(most, openIn(directory));
      // A directory is open while it is synced, beside the files.
      expect(most).toBeLessThanOrEqual(MAX_OPEN * 1.5);
      expect(most).toBeGreaterThan(MAX_OPEN / 2);
      for (let i = 0; i < PARTITIONS; i++) logs.delete('t', i);
      expect(openIn(directory)).toBe(0);
      await logs.stop();
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
