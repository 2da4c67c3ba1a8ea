// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of properties, not of templates
import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  Ack,
  type Acknowledgment,
  ContainerRegistry,
  KafkaListener,
  type KafkaListenerOptions,
  Payload,
} from '../../../../src/index.js';
import { type KafkaApp, startApp } from '../../../support/kafka-app.js';

let running: KafkaApp | undefined;
afterEach(async () => {
  await running?.app.close();
  running = undefined;
});

describe('mistakes in listeners', () => {
  const start = (options: KafkaListenerOptions, properties: Record<string, string> = {}) => {
    @Injectable()
    class Listener {
      @KafkaListener(options)
      handle(_order: any) {}
    }
    return startApp({ providers: [Listener] }, properties).then((app) => {
      running = app;
    });
  };
  const at = '@KafkaListener of Listener.handle: ';

  it.each<[string, KafkaListenerOptions, string]>([
    [
      'an unknown option',
      { topics: 'a', conurrency: 2 } as object,
      `${at}conurrency: no option of a listener; did you mean concurrency?`,
    ],
    ['a missing topic', { topics: [] }, `${at}topics: no topic is named`],
    ['an impossible topic', { topics: 'a b' }, `${at}topics=a b: no topic name`],
    [
      'an unknown placeholder',
      { topics: '${orders.topic}' },
      `${at}topics=\${orders.topic}: nothing defines "orders.topic"`,
    ],
    [
      'no number',
      { topics: 'a', concurrency: '${n:x}' },
      `${at}concurrency=x: not allowed; allowed: a whole number from 1 to 1000`,
    ],
    ['too many workers', { topics: 'a', workers: 0 }, `${at}workers=0: not allowed`],
    [
      'an ack mode',
      { topics: 'a', ackMode: 'SOMETIMES' },
      `${at}ackMode=SOMETIMES: not allowed; allowed: RECORD, BATCH`,
    ],
    [
      'a budget of no size',
      { topics: 'a', workers: 2, budget: { memory: '${m:much}' } },
      `${at}budget.memory=much: not allowed; allowed: a size of at least 1 byte, such as 64MB`,
    ],
    [
      'a budget of no records',
      { topics: 'a', workers: 2, budget: { records: 0 } },
      `${at}budget.records=0: not allowed`,
    ],
    ['order without workers', { topics: 'a', order: 'key' }, `${at}order=key: only a pool of workers has an order`],
    ['a connection', { topics: 'a', connection: 'audit' }, 'there is no connection audit; known: default'],
    [
      'a property',
      { topics: 'a', properties: { 'max.poll.record': '1' } },
      'unknown consumer property; did you mean max.poll.records?',
    ],
    [
      'a property value',
      { topics: 'a', properties: { 'max.poll.records': '0' } },
      'properties max.poll.records=0: not allowed',
    ],
    [
      'settings that do not fit',
      { topics: 'a', properties: { 'heartbeat.interval.ms': '40s' } },
      'kafka.consumer.heartbeat-interval=40s: must be at most a third',
    ],
    ['batches of single records', { topics: 'a', batch: true, ackMode: 'RECORD' }, 'use BATCH'],
  ])('name %s', async (_name, options, message) => {
    await expect(start(options)).rejects.toThrow(message);
    await expect(start(options)).rejects.toMatchObject({ code: 'KAFKA_CONFIG_INVALID' });
  });

  it('come all together, before anything is opened', async () => {
    @Injectable()
    class Listener {
      @KafkaListener({ topics: '${x}' })
      one(_order: any) {}
      @KafkaListener({ topics: 'a', id: 'same' })
      two(@Ack() _ack: Acknowledgment) {}
      @KafkaListener({ topics: 'a', id: 'same' })
      three(@Payload() _order: any, _other: any) {}
    }
    await expect(startApp({ providers: [Listener] })).rejects.toThrow(/4 mistakes/);
    await expect(startApp({ providers: [Listener] })).rejects.toThrow(
      "Listener.two: parameter 1 is @Ack(), but the ack mode is BATCH; set ackMode: 'MANUAL' or 'MANUAL_IMMEDIATE'",
    );
    await expect(startApp({ providers: [Listener] })).rejects.toThrow('Listener.three: parameter 2 has no decorator');
    await expect(startApp({ providers: [Listener] })).rejects.toThrow('the listener id same is taken by Listener.two');
  });

  it('ask for a group where there is none', async () => {
    await expect(start({ topics: 'a' }, { 'kafka.consumer.group-id': '' })).rejects.toThrow(
      'groupId: no consumer group; give groupId or id, or set kafka.consumer.group-id',
    );
  });

  it('are notices where they may be meant: manual acknowledgment without @Ack()', async () => {
    await start({ topics: 'a', ackMode: 'manual-immediate' });
    expect(running!.logger.lines.join('\n')).toContain('the ack mode is MANUAL_IMMEDIATE, but no parameter is @Ack()');
  });

  it('leave what is right alone: placeholders, defaults from the configuration, auto-commit by time', async () => {
    await start(
      { topics: '${t},c', workers: '${w}', order: 'key', properties: { 'max.poll.records': 7 } },
      { t: 'a,b', w: '8', 'kafka.listener.concurrency': '2', 'kafka.consumer.enable-auto-commit': 'true' },
    );
    const { endpoint } = running!.app.get(ContainerRegistry).get('Listener.handle');
    expect(endpoint).toMatchObject({
      topics: ['a', 'b', 'c'],
      groupId: 'test',
      concurrency: 2,
      workers: 8,
      order: 'key',
      gapMap: true,
      ackMode: 'TIME',
      ackTimeMs: 5_000,
    });
    expect(running!.logger.lines.join('\n')).toContain(
      'enable-auto-commit=true means for @KafkaListener of Listener.handle',
    );
  });
});
