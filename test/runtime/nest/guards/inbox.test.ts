import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { deferred } from '../../../../src/common/lifecycle.js';
import { type KafkaRecord } from '../../../../src/common/record.js';
import {
  ContainerRegistry,
  KafkaListener,
  type KafkaListenerOptions,
  Record as RawRecord,
} from '../../../../src/index.js';
import { OffsetCommit } from '../../../../src/protocol/messages/08-offset-commit.js';
import { DeleteRecords } from '../../../../src/protocol/messages/21-delete-records.js';
import { EmbeddedKafka, until } from '../../../../src/testing/index.js';
import { type BrokerApp, numbered, startOnBroker } from '../../../support/broker-app.js';
import { fullDisk } from '../../../support/full-disk.js';
import { directClient } from '../../../support/raw-client.js';

// Listeners that handle records from their inbox, over a real broker.

let kafka: EmbeddedKafka;
let folder: string;
const apps: BrokerApp[] = [];

beforeEach(async () => {
  kafka = await EmbeddedKafka.start({ topics: ['orders'] });
  folder = await mkdtemp(join(tmpdir(), 'nestdaw-inbox-'));
});

afterEach(async () => {
  for (const { app } of apps.splice(0)) await app.close();
  await kafka.stop();
  await rm(folder, { recursive: true });
});

type Handler = (offset: number) => void | Promise<void>;

async function listen(handle: Handler, options: Partial<KafkaListenerOptions> = {}): Promise<BrokerApp> {
  @Injectable()
  class Listener {
    @KafkaListener({ id: 'billing', topics: 'orders', inbox: { folder }, ...options })
    async handle(@RawRecord() { offset }: KafkaRecord): Promise<void> {
      await handle(offset);
    }
  }
  const properties = { 'kafka.consumer.auto-offset-reset': 'earliest' };
  const started = await startOnBroker(kafka, { providers: [Listener] }, properties);
  apps.push(started);
  return started;
}

const closeLast = () => apps.pop()!.app.close();
const committed = async () => (await kafka.committed('billing', 'orders'))[0];

/** So many records are handled; then somebody moves the group back. */
async function handledAndMovedBack(count: number, committedOffset: number): Promise<void> {
  let handled = 0;
  await kafka.produce('orders', 0, numbered(count));
  await listen(() => void handled++);
  await until(async () => handled === count && (await committed()) === count, { what: `${count} records` });
  await closeLast();
  const back = { partitionIndex: 0, committedOffset, committedMetadata: '' };
  const request = { groupId: 'billing', topics: [{ name: 'orders', partitions: [back] }] };
  const nobody = { generationIdOrMemberEpoch: -1, memberId: '', retentionTimeMs: -1 };
  await directClient(kafka.broker).send(OffsetCommit, 2, { ...request, ...nobody });
}

async function handledAgain(seen: readonly number[], count: number): Promise<readonly number[]> {
  await until(() => seen.length === count, { what: `${count} of them again` });
  return seen;
}

describe('an inbox', () => {
  it('takes records in and commits their offsets while the handler has not finished one', async () => {
    const gate = deferred();
    const seen: number[] = [];
    await kafka.produce('orders', 0, numbered(20));
    await listen(async (offset) => {
      await gate.promise;
      seen.push(offset);
    });
    await until(async () => (await committed()) === 20, { what: 'the offsets to be committed' });
    expect(seen).toEqual([]);
    gate.resolve();
    await until(() => seen.length === 20, { what: 'every record' });
    expect(seen).toEqual(Array.from({ length: 20 }, (_, offset) => offset));
  });

  it('goes on after a restart with what was not finished, without asking Kafka for it again', async () => {
    const seen: number[] = [];
    await kafka.produce('orders', 0, numbered(10));
    const stuck = deferred();
    await listen(
      async (offset) => {
        seen.push(offset);
        if (offset === 4) await stuck.promise;
      },
      { ackMode: 'RECORD' },
    );
    await until(async () => seen.includes(4) && (await committed()) === 10, { what: 'the fifth record' });
    stuck.reject(new Error('killed'));
    await closeLast();
    seen.length = 0;
    const cut = { name: 'orders', partitions: [{ partitionIndex: 0, offset: 10 }] };
    await directClient(kafka.broker).send(DeleteRecords, 1, { topics: [cut], timeoutMs: 1_000 });
    const { logger } = await listen((offset) => void seen.push(offset));
    await until(() => seen.length === 6, { what: 'the rest' });
    expect(seen).toEqual([4, 5, 6, 7, 8, 9]);
    expect(logger.lines.join('\n')).toContain('6 records wait in the inbox');
  });

  it('handles equal keys in order with a pool of workers, and later records too', async () => {
    const seen: number[] = [];
    await listen((offset) => void seen.push(offset), { workers: 8, order: 'key' });
    await kafka.produce('orders', 0, numbered(30));
    await kafka.produce('orders', 0, numbered(30));
    await until(() => seen.length === 60, { what: '60 records' });
    // The keys are k0 to k29, twice.
    const second = (key: number) => seen.indexOf(key + 30);
    for (let key = 0; key < 30; key++) expect(second(key)).toBeGreaterThan(seen.indexOf(key));
  });

  it('tries a failing record again, from the inbox', async () => {
    const seen: number[] = [];
    let fails = 2;
    await kafka.produce('orders', 0, numbered(3));
    await listen((offset) => {
      seen.push(offset);
      if (offset === 1 && fails-- > 0) throw new Error('not yet');
    });
    await until(() => seen.length === 5, { what: 'every try' });
    expect(seen).toEqual([0, 1, 1, 1, 2]);
  });

  it('takes in no more than may wait', async () => {
    const gate = deferred();
    let handled = 0;
    await kafka.produce('orders', 0, numbered(100));
    await listen(
      async () => {
        await gate.promise;
        handled += 1;
      },
      { inbox: { folder, maxRecords: 10 }, properties: { 'max.poll.records': 5 } },
    );
    await until(async () => (await committed()) === 10, { what: 'a full inbox' });
    gate.resolve();
    await until(() => handled === 100, { what: 'every record' });
    await until(async () => (await committed()) === 100, { what: 'every offset' });
    expect(handled).toBe(100);
  });

  it('holds the intake up while the disk is full: nothing is committed that is not here, and nothing is lost', async () => {
    const seen: number[] = [];
    const { logger } = await listen((offset) => void seen.push(offset));
    await kafka.produce('orders', 0, numbered(3));
    await until(async () => seen.length === 3 && (await committed()) === 3, { what: 'the first three' });
    const disk = await fullDisk();
    try {
      await kafka.produce('orders', 0, numbered(3));
      await until(() => logger.lines.some((line) => /the inbox cannot be written: ENOSPC/.test(line)), {
        what: 'the error',
      });
      expect([seen.length, await committed()]).toEqual([3, 3]);
    } finally {
      disk.hasRoom();
    }
    await until(async () => seen.length === 6 && (await committed()) === 6, { what: 'the others' });
    expect(seen).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('reads again what the group was moved back to', async () => {
    await handledAndMovedBack(6, 2);
    const seen: number[] = [];
    await listen((offset) => void seen.push(offset));
    expect(await handledAgain(seen, 4)).toEqual([2, 3, 4, 5]);
  });

  it('waits for room on the disk, too, when it is to forget what the group was moved back behind', async () => {
    await handledAndMovedBack(6, 2);
    const seen: number[] = [];
    const disk = await fullDisk();
    const listening = listen((offset) => void seen.push(offset));
    try {
      await until(() => disk.refusals >= 2, { what: 'a second try' });
      expect(seen).toEqual([]);
    } finally {
      disk.hasRoom();
    }
    await listening;
    expect(await handledAgain(seen, 4)).toEqual([2, 3, 4, 5]);
  });

  it('stops and starts with its container', async () => {
    const seen: number[] = [];
    const { app } = await listen((offset) => void seen.push(offset));
    const container = app.get(ContainerRegistry).list()[0]!;
    await kafka.produce('orders', 0, numbered(3));
    await until(() => seen.length === 3, { what: 'three records' });
    await container.stop();
    await kafka.produce('orders', 0, numbered(3));
    await container.start();
    await until(() => seen.length === 6, { what: 'six records' });
    expect(seen).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('has one consumer and a group', async () => {
    await expect(listen(() => undefined, { concurrency: 2 })).rejects.toThrow(
      /concurrency.*an inbox has one consumer/s,
    );
    await expect(listen(() => undefined, { broadcast: true })).rejects.toThrow(/inbox.*needs a group/s);
  });
});
