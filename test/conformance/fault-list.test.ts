import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, it } from '@jest/globals';

type Fault = readonly [what: string, module: string, before: string, after: string];

interface FaultList {
  readonly FAULTS: readonly Fault[];
  faulty(build: string, fault: Fault): string;
}

describe('the faults that the conformance suite has to see', () => {
  let list: FaultList;
  beforeAll(async () => {
    list = (await import(pathToFileURL('test/conformance/fault-list.mjs').href)) as FaultList;
  });

  it('are twenty or more', () => {
    expect(list.FAULTS.length).toBeGreaterThanOrEqual(20);
  });

  it('each still find the one place in the broker that they change', () => {
    for (const fault of list.FAULTS) expect(list.faulty('dist/esm', fault)).toContain(fault[3]);
    const gone: Fault = ['nothing', 'log/stored-log', 'a text that is not there', ''];
    expect(() => list.faulty('dist/esm', gone)).toThrow(/log\/stored-log holds 0 times: a text that is not there/);
  });
});
