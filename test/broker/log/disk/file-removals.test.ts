import { describe, expect, it } from '@jest/globals';
import { FileRemovals } from '../../../../src/broker/log/disk/file-removals.js';
import { MemoryFileSystem } from '../../../../src/broker/log/disk/memory-file-system.js';
import { type Logger, silentLogger } from '../../../../src/common/logger.js';

const names = ['a', 'b', 'c', 'd', 'e'];

function filled(): MemoryFileSystem {
  const files = new MemoryFileSystem();
  files.makeDirectory('/d');
  for (const name of names) files.open(`/d/${name}`, { create: true }).write([Buffer.alloc(10)], 0);
  return files;
}

describe('removal of files', () => {
  it('is done, all of it, when it says that it has finished, and never more than two at once', async () => {
    const files = filled();
    let running = 0;
    let most = 0;
    const remove = files.removeLater.bind(files);
    files.removeLater = async (path) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      await remove(path);
      running--;
    };
    const removals = new FileRemovals(files, silentLogger);
    for (const name of names) removals.begin(`/d/${name}`);
    expect(files.list('/d')).toHaveLength(5);
    await removals.finished();
    expect(files.list('/d')).toEqual([]);
    expect(most).toBe(2);
  });

  it('goes on behind a file that cannot be removed, which is named', async () => {
    const files = filled();
    const warnings: string[] = [];
    const logger: Logger = { ...silentLogger, warn: (message) => void warnings.push(message) };
    const remove = files.removeLater.bind(files);
    files.removeLater = (path) => (path === '/d/c' ? Promise.reject(new Error('busy')) : remove(path));
    const removals = new FileRemovals(files, logger);
    for (const name of names) removals.begin(`/d/${name}`);
    await removals.finished();
    expect(files.list('/d')).toEqual(['c']);
    expect(warnings).toEqual(['/d/c could not be removed: busy. The next start tries again']);
  });
});
