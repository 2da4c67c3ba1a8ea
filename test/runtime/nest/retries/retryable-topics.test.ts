// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of properties, not of templates
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  ContainerRegistry,
  DltHandler,
  Header,
  KafkaHandler,
  KafkaListener,
  type KafkaListenerContext,
  KafkaListenerRegistrar,
  type KafkaRecord,
  Payload,
  Record as RawRecord,
  RETRY_TOPIC_HEADERS,
  RetryableTopic,
  RetryTopicConfigurationBuilder,
} from '../../../../src/index.js';
import { attemptOf, dueAtOf } from '../../../../src/runtime/retry/retry-headers.js';
import { EmbeddedKafka } from '../../../../src/testing/index.js';
import { until } from '../../../../src/testing/until.js';
import { records, startOnBroker } from '../../../support/broker-app.js';

let kafka: EmbeddedKafka;
beforeAll(async () => {
  kafka = await EmbeddedKafka.start();
});
afterAll(() => kafka.stop());

interface Seen {
  readonly at: number;
  readonly topic: string;
  readonly partition: number;
  readonly attempt: number;
  readonly dueAt: number | undefined;
}

function seen({ topic, partition, headers }: KafkaRecord): Seen {
  return { at: Date.now(), topic, partition, attempt: attemptOf({ headers }), dueAt: dueAtOf({ headers }) };
}

const textOf = ({ headers }: KafkaRecord, name: string) =>
  headers.findLast(({ key }) => key === name)?.value?.toString();

describe('@RetryableTopic', () => {
  it('leads a failing record through its topics, never early, in its partition, others pass', async () => {
    await kafka.createTopic('orders', 3);
    const calls: Seen[] = [];
    const good: string[] = [];
    const letters: Array<[string, string, Seen]> = [];
    @Injectable()
    class Orders {
      @RetryableTopic({ attempts: '${tries}', backOff: { delay: '40ms', multiplier: 2 } })
      @KafkaListener({ id: 'orders', topics: 'orders' })
      handle(@Payload() { bad, name }: { bad?: boolean; name: string }, @RawRecord() record: KafkaRecord) {
        if (!bad) return void good.push(name);
        calls.push(seen(record));
        throw new TypeError(`no ${name}`);
      }

      @DltHandler()
      refused(
        @Payload() { name }: { name: string },
        @Header(RETRY_TOPIC_HEADERS.exceptionMessage) why: string,
        @RawRecord() record: KafkaRecord,
      ) {
        letters.push([name, why, seen(record)]);
      }
    }
    const { app } = await startOnBroker(kafka, { providers: [Orders] }, { tries: '3' });
    await kafka.produce('orders', 2, records([{ bad: true, name: 'ham' }, { name: 'eggs' }, { name: 'tea' }]));
    await until(() => letters.length === 1, { what: 'the dead letter' });
    expect(good).toEqual(['eggs', 'tea']);
    expect(calls.map(({ topic, partition, attempt }) => [topic, partition, attempt])).toEqual([
      ['orders', 2, 1],
      ['orders-retry-40', 2, 2],
      ['orders-retry-80', 2, 3],
    ]);
    for (const { at, dueAt } of calls.slice(1)) expect(at).toBeGreaterThanOrEqual(dueAt!);
    expect(calls[1]!.dueAt! - calls[0]!.at).toBeGreaterThanOrEqual(40);
    expect(letters).toEqual([
      ['ham', 'no ham', expect.objectContaining({ topic: 'orders-dlt', partition: 2, attempt: 4 })],
    ]);
    await kafka.untilConsumed('orders', 'orders');
    await kafka.untilConsumed('orders-retry-80', 'orders-retry-80');
    const [letter] = await kafka.records('orders-dlt');
    expect(letter!.key!.toString()).toBe('k0');
    expect(textOf(letter!, 'kafka_original-topic')).toBe('orders');
    expect(textOf(letter!, 'kafka_exception-fqcn')).toBe('TypeError');
    expect(textOf(letter!, 'kafka_dlt-original-consumer-group')).toBe('orders');
    const registry = app.get(ContainerRegistry);
    expect(registry.get('orders-retry-40').endpoint).toMatchObject({
      groupId: 'orders-retry-40',
      mainListenerId: 'orders',
    });
    await app.close();
  });

  it('counts deliveries over restarts and rebalances', async () => {
    await kafka.createTopic('counted', 1);
    const attempts: number[] = [];
    const letters: number[] = [];
    @Injectable()
    class Counted {
      @RetryableTopic({ attempts: 5, backOff: { delay: 150 } })
      @KafkaListener({ id: 'counted', topics: 'counted' })
      handle(@RawRecord() record: KafkaRecord) {
        attempts.push(attemptOf(record));
        throw new Error('no');
      }

      @DltHandler()
      refused(@RawRecord() record: KafkaRecord) {
        letters.push(attemptOf(record));
      }
    }
    const first = await startOnBroker(kafka, { providers: [Counted] });
    await kafka.produce('counted', 0, records([{ n: 1 }]));
    await until(() => attempts.length === 2, { what: 'two deliveries' });
    await first.app.close();
    const second = await startOnBroker(kafka, { providers: [Counted] });
    await until(() => attempts.length === 3, { what: 'the third after the restart' });
    second.app.get(ContainerRegistry).enforceRebalance('counted-retry');
    await until(() => letters.length === 1, { what: 'the dead letter' });
    expect([attempts, letters]).toEqual([[1, 2, 3, 4, 5], [6]]);
    await second.app.close();
  });

  it('tells errors apart: excluded ones go at once, routed ones to a topic of their own', async () => {
    const tried: string[] = [];
    class Routed extends Error {}
    class Hopeless extends Error {}
    @Injectable()
    class Mixed {
      @RetryableTopic({
        backOff: { delay: 1 },
        exclude: [Hopeless],
        exceptionBasedDltRouting: [{ suffix: '-routed', exceptions: [Routed] }],
        numPartitions: 1,
      })
      @KafkaListener({ topics: 'mixed', groupId: 'mixed' })
      handle(@Payload() { kind }: { kind: string }) {
        tried.push(kind);
        if (kind === 'hopeless') throw new Hopeless('x');
        throw new Error('outer', { cause: new Routed('y') });
      }
    }
    const { app, logger } = await startOnBroker(kafka, { providers: [Mixed] });
    await kafka.produce('mixed', 0, records([{ kind: 'hopeless' }, { kind: 'routed' }, 'no JSON']));
    await kafka.untilRecords('mixed-dlt', 2);
    await kafka.untilRecords('mixed-routed-dlt', 1);
    expect(tried).toEqual(['hopeless', 'routed', 'routed', 'routed']);
    await until(() => logger.lines.some((line) => line.includes('dead letter in mixed-routed-dlt-0')), {
      what: 'the log',
    });
    await app.close();
  });

  it('ends with the last delivery under NO_DLT, and with a failing dead-letter handler under FAIL_ON_ERROR', async () => {
    let tries = 0;
    let letters = 0;
    @Injectable()
    class None {
      @RetryableTopic({ attempts: 2, backOff: { delay: 1 }, dltStrategy: 'NO_DLT' })
      @KafkaListener({ topics: 'none', groupId: 'none' })
      handle() {
        tries++;
        throw new Error('x');
      }
    }
    @Injectable()
    class Failing {
      @RetryableTopic({ attempts: 1, dltStrategy: 'FAIL_ON_ERROR' })
      @KafkaListener({ topics: 'failing', groupId: 'failing' })
      handle() {
        throw new Error('x');
      }

      @DltHandler()
      refused() {
        letters++;
        throw new Error('again');
      }
    }
    const { app } = await startOnBroker(kafka, { providers: [None, Failing] });
    await kafka.produce('none', 0, records(['{}']));
    await kafka.produce('failing', 0, records(['{}']));
    await kafka.untilConsumed('none-retry', 'none-retry');
    await until(() => tries === 2, { what: 'both deliveries' });
    await until(() => letters === 1, { what: 'the dead letter' });
    await kafka.untilConsumed('failing-dlt', 'failing-dlt');
    expect(letters).toBe(1);
    expect((await kafka.records('failing-dlt')).length).toBe(1);
    await app.close();
  });

  it('sends a dead letter to the end of its topic again while its handler fails', async () => {
    let letters = 0;
    @Injectable()
    class Stubborn {
      @RetryableTopic({ attempts: 1, autoStartDltHandler: false })
      @KafkaListener({ id: 'stubborn', topics: 'stubborn' })
      handle() {
        throw new Error('x');
      }

      @DltHandler()
      refused() {
        if (++letters < 3) throw new Error('not yet');
      }
    }
    const { app } = await startOnBroker(kafka, { providers: [Stubborn] });
    await kafka.produce('stubborn', 0, records(['{}']));
    await kafka.untilRecords('stubborn-dlt', 1);
    expect(letters).toBe(0);
    await app.get(ContainerRegistry).start('stubborn-dlt');
    await until(() => letters === 3, { what: 'the third try' });
    await kafka.untilConsumed('stubborn-dlt', 'stubborn-dlt');
    expect((await kafka.records('stubborn-dlt')).length).toBe(3);
    await app.close();
  });

  it('stands on a class too, and tries listed errors in place first', async () => {
    const tried: string[] = [];
    @RetryableTopic({
      attempts: 2,
      backOff: { delay: 1 },
      blockingRetries: { on: ['Brief'], retries: 2 },
      topicSuffixingStrategy: 'suffix-with-index-value',
      sameIntervalTopicReuseStrategy: 'multiple-topics',
    })
    @KafkaListener({ topics: 'typed', groupId: 'typed' })
    @Injectable()
    class Typed {
      @KafkaHandler({ isDefault: true })
      handle(@Payload() _value: unknown, @Header('kafka_receivedTopic') topic: string) {
        tried.push(topic);
        throw Object.assign(new Error('x'), { name: 'Brief' });
      }
    }
    const { app } = await startOnBroker(kafka, { providers: [Typed] });
    await kafka.produce('typed', 0, records(['{}']));
    await kafka.untilRecords('typed-dlt', 1);
    expect(tried).toEqual([...Array(3).fill('typed'), ...Array(3).fill('typed-retry-0')]);
    await app.close();
  });

  it('refuses what cannot work, all of it at once', async () => {
    @Injectable()
    class Wrong {
      @RetryableTopic({ attempts: 0, include: [Error], exclude: [TypeError], dltStrategy: 'sometimes' })
      @KafkaListener({ topics: 'a', groupId: 'a', batch: true, deadLetters: true })
      batch() {}

      @RetryableTopic()
      @KafkaListener({ topicPattern: 'a-.*', groupId: 'b' })
      pattern() {}

      @RetryableTopic()
      @KafkaListener({ topics: 'shared', groupId: 'c' })
      one() {}

      @RetryableTopic()
      @KafkaListener({ topics: 'shared', groupId: 'd' })
      other() {}

      @RetryableTopic()
      alone() {}

      @DltHandler()
      first() {}

      @DltHandler()
      second() {}
    }
    const refused = await startOnBroker(kafka, { providers: [Wrong] }).catch((error: Error) => error.message);
    for (const part of [
      'attempts',
      'goes not with include',
      'dltStrategy',
      'batches have no retry topics',
      'goes not with @RetryableTopic',
      'name the topics instead of a pattern',
      'shared-retry is read by Wrong.one as well',
      'put @KafkaListener on the method too',
      '@DltHandler stands on first as well',
    ]) {
      expect(refused).toContain(part);
    }
  });
});

describe('retry topics for all listeners', () => {
  it('come from the properties of Spring Boot', async () => {
    let tries = 0;
    @Injectable()
    class Plain {
      @KafkaListener({ topics: 'plain', groupId: 'plain' })
      handle() {
        tries++;
        throw new Error('x');
      }
    }
    const { app } = await startOnBroker(
      kafka,
      { providers: [Plain] },
      {
        'spring.kafka.retry.topic.enabled': 'true',
        'spring.kafka.retry.topic.attempts': '4',
        'spring.kafka.retry.topic.backoff.delay': '1ms',
        'spring.kafka.retry.topic.backoff.multiplier': '2',
      },
    );
    await kafka.produce('plain', 0, records(['{}']));
    await kafka.untilRecords('plain-dlt', 1);
    expect(tries).toBe(4);
    for (const topic of ['plain-retry-0', 'plain-retry-1', 'plain-retry-2']) {
      expect(await kafka.records(topic)).toHaveLength(1);
    }
    await app.close();
  });

  it('come from configurations among the providers, for their topics', async () => {
    const letters: unknown[] = [];
    const retries = RetryTopicConfigurationBuilder.newInstance()
      .maxAttempts(2)
      .fixedBackOff(1)
      .includeTopic('chosen')
      .retryTopicSuffix('.again')
      .dltSuffix('.dead')
      .dltHandlerMethod((payload) => letters.push(payload))
      .create();
    @Injectable()
    class Chosen {
      @KafkaListener({ topics: 'chosen', groupId: 'chosen' })
      handle() {
        throw new Error('x');
      }

      @KafkaListener({ topics: 'other', groupId: 'other' })
      other() {}
    }
    const { app } = await startOnBroker(kafka, { providers: [Chosen, { provide: 'retries', useValue: retries }] });
    await kafka.produce('chosen', 0, records([{ n: 1 }]));
    await until(() => letters.length === 1, { what: 'the dead letter' });
    expect(letters).toEqual([{ n: 1 }]);
    expect((await kafka.records('chosen.again')).map(attemptOf)).toEqual([2]);
    expect(
      app
        .get(ContainerRegistry)
        .list()
        .map(({ id }) => id),
    ).toEqual(expect.not.arrayContaining(['Chosen.other.again']));
    await app.close();
  });

  it('of a listener added at run time start with it and go with it', async () => {
    const { app } = await startOnBroker(kafka, {});
    const letters: unknown[] = [];
    const registrar = app.get(KafkaListenerRegistrar);
    const container = await registrar.register({
      id: 'late',
      topics: 'late',
      retryable: { attempts: 2, backOff: { delay: 1 } },
      handler: () => {
        throw new Error('x');
      },
      dltHandler: (payload: unknown, { topic }: KafkaListenerContext) => letters.push([payload, topic]),
    });
    await kafka.produce('late', 0, records([{ n: 1 }]));
    await until(() => letters.length === 1, { what: 'the dead letter' });
    expect(letters).toEqual([[{ n: 1 }, 'late-dlt']]);
    await registrar.unregister(container.id);
    expect(app.get(ContainerRegistry).list()).toEqual([]);
    await app.close();
  });
});
