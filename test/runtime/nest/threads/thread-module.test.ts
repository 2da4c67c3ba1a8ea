import { describe, expect, it } from '@jest/globals';
import { forwardRef, Module } from '@nestjs/common';
import { KafkaModule } from '../../../../src/index.js';
import { connectionsIn, loadThreadModule } from '../../../../src/runtime/nest/threads/thread-module.js';

// The module that threads open: found in its file, and what it brings itself.

const file = (name: string) => new URL(`./fixtures/${name}`, import.meta.url).href;

describe('the module of threads', () => {
  it('is the class that is named, and has to be named where there are several', async () => {
    const href = file('several.mjs');
    expect((await loadThreadModule({ href, exportName: 'Second' })).name).toBe('Second');
    await expect(loadThreadModule({ href, exportName: undefined })).rejects.toMatchObject({
      code: 'KAFKA_CONFIG_INVALID',
      message: expect.stringMatching(
        /exports several classes \(exported: First, NoModule, Second, notAClass\).*export }/,
      ),
    });
    await expect(loadThreadModule({ href, exportName: 'Third' })).rejects.toThrow('has no class Third');
  });

  it('brings the connections that it imports, however deep', async () => {
    @Module({ imports: [KafkaModule.forRoot({ name: 'audit' })] })
    class Deep {}
    @Module({
      imports: [forwardRef(() => Deep), Promise.resolve({ module: class Late {}, imports: [KafkaModule.forRoot()] })],
    })
    class Root {}
    @Module({ imports: [forwardRef(() => Circle)] })
    class Circle {}
    expect(await connectionsIn(Root)).toEqual(new Set(['audit', 'default']));
    expect(await connectionsIn(Circle)).toEqual(new Set());
  });
});
