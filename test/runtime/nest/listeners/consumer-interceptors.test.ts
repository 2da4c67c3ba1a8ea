import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { deferred } from '../../../../src/common/lifecycle.js';
import { type KafkaRecord } from '../../../../src/common/record.js';
import { type ConsumerInterceptor, KafkaListener } from '../../../../src/index.js';
import { type CommitOffset } from '../../../../src/runtime/client/consumer-client.js';
import { KafkaTemplate } from '../../../../src/runtime/template/kafka-template.js';
import { startOnBroker } from '../../../support/broker-app.js';
import { startApp } from '../../../support/kafka-app.js';
import { startTestKafka } from '../../../support/test-kafka.js';

const KEY = 'kafka.consumer.properties.interceptor.classes';
const closers: Array<() => Promise<unknown>> = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

@Injectable()
class Audit implements ConsumerInterceptor {
  configs: Readonly<Record<string, unknown>> = {};
  readonly polled: string[] = [];
  readonly committed: CommitOffset[] = [];
  configure(configs: Readonly<Record<string, unknown>>) {
    this.configs = configs;
  }
  onConsume(records: readonly KafkaRecord[]) {
    this.polled.push(...records.map(({ value }) => String(value)));
    return records;
  }
  onCommit(offsets: readonly CommitOffset[]) {
    this.committed.push(...offsets);
  }
}

@Injectable()
class Upper implements ConsumerInterceptor {
  onConsume(records: readonly KafkaRecord[]) {
    return records.map((record) => ({ ...record, value: Buffer.from(String(record.value).toUpperCase()) }));
  }
}

const got: string[] = [];
let arrived = deferred();

@Injectable()
class Orders {
  @KafkaListener({ topics: 'orders' })
  handle(order: string) {
    got.push(order);
    arrived.resolve();
  }
}

describe('interceptor.classes of consumers', () => {
  it('name providers, which see polls and commits of a real broker', async () => {
    const kafka = await startTestKafka({ orders: 1 });
    closers.push(() => kafka.stop());
    const properties = { [KEY]: 'com.acme.Audit, Upper', 'kafka.consumer.auto-offset-reset': 'earliest' };
    const { app } = await startOnBroker(kafka, { providers: [Orders, Audit, Upper] }, properties);
    arrived = deferred();
    await app.get(KafkaTemplate).send('orders', 'tea');
    await arrived.promise;
    await app.close();
    const audit = app.get(Audit);
    expect(got).toEqual(['TEA']);
    expect(audit.polled).toEqual(['tea']);
    expect(audit.configs).toMatchObject({ 'auto.offset.reset': 'earliest' });
    expect(audit.committed.at(-1)).toMatchObject({ topic: 'orders', offset: 1 });
  });

  it.each(['com.acme.Missing', 'Orders'])('refuses %s at start, which is no such provider', async (name) => {
    const starting = startApp({ providers: [Orders] }, { [KEY]: name });
    await expect(starting).rejects.toThrow(
      `no provider is called ${name.replace('com.acme.', '')}: Java classes do not run here; ` +
        'write a class with onConsume(records)',
    );
  });

  it('may be set for one listener', async () => {
    @Injectable()
    class Own {
      @KafkaListener({ id: 'own', topics: 'orders', properties: { 'interceptor.classes': 'Audit' } })
      handle() {}
    }
    const { app } = await startApp({ providers: [Own, Audit] });
    closers.push(() => app.close());
    expect(app.get(Audit).configs).toMatchObject({ 'interceptor.classes': ['Audit'] });
  });
});
