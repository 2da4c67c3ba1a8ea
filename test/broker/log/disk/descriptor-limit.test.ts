import { describe, expect, it } from '@jest/globals';
import { descriptorLimit } from '../../../../src/broker/log/disk/descriptor-limit.js';
import { MemoryFileSystem } from '../../../../src/broker/log/disk/memory-file-system.js';

const limitOf = (line: string): number => {
  const files = new MemoryFileSystem();
  files.makeDirectory('/proc/self');
  files.writeFileAtomic('/proc/self/limits', `Max cpu time unlimited unlimited seconds\n${line}\n`);
  return descriptorLimit(files);
};

describe('descriptorLimit', () => {
  it.each([
    ['Max open files            20000                20000                files     ', 8192],
    ['Max open files            4096                 8192                 files     ', 2048],
    ['Max open files            100                  100                  files     ', 256],
    ['Max open files            unlimited            unlimited            files     ', 512],
    ['nothing of the kind', 512],
  ])('takes its share of "%s"', (line, limit) => {
    expect(limitOf(line)).toBe(limit);
  });

  it('is moderate where the system does not say', () => {
    expect(descriptorLimit(new MemoryFileSystem())).toBe(512);
  });
});
