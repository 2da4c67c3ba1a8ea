import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type INestApplication, Injectable, type ModuleMetadata } from '@nestjs/common';
import { IsPositive } from 'class-validator';
import {
  DeserializationError,
  KafkaHandler,
  KafkaListener,
  type KafkaModuleOptions,
  KafkaTemplate,
  Key,
  Payload,
} from '../../src/index.js';
import { until } from '../../src/testing/until.js';
import { startClientApp } from '../support/client-app.js';
import { type ClientBroker, createTopic, startClientBroker } from '../support/client-broker.js';

// Keys and values from a template to a listener, over our broker or over Apache Kafka.

const PATIENT = { timeoutMs: 20_000, everyMs: 20 };
let app: INestApplication | undefined;
let broker: ClientBroker;

beforeEach(async () => {
  broker = await startClientBroker();
});
afterEach(async () => {
  await app?.close();
  app = undefined;
  await broker.stop();
});

async function start(metadata: ModuleMetadata, more: Partial<KafkaModuleOptions> = {}): Promise<KafkaTemplate> {
  app = await startClientApp(broker, metadata, more);
  return app.get(KafkaTemplate);
}

class Order {
  id!: string;

  @IsPositive()
  amount!: number;

  constructor(id: string, amount: number) {
    this.id = id;
    this.amount = amount;
  }
}

class Refund {
  constructor(readonly id: string) {}
}

describe('keys and values', () => {
  it('travel as the classes that the application has, named as Spring names them', async () => {
    const topic = await createTopic(broker.address, 1);
    const seen: unknown[] = [];
    @Injectable()
    @KafkaListener({ topics: topic, groupId: `g-${topic}` })
    class Listener {
      @KafkaHandler()
      placed(order: Order) {
        seen.push(order);
      }
      @KafkaHandler()
      refunded(refund: Refund) {
        seen.push(refund);
      }
    }
    const types = { 'com.acme.Order': Order, 'com.acme.Refund': Refund };
    const template = await start({ providers: [Listener] }, { types });
    await template.send(topic, 'a', new Order('a', 1));
    await template.send(topic, 'a', new Refund('a'));
    await until(() => seen.length === 2, PATIENT);
    expect(seen).toEqual([new Order('a', 1), new Refund('a')]);
    expect(seen.map((one) => one!.constructor)).toEqual([Order, Refund]);
  }, 60_000);

  it('travel in the formats of Java, and one that cannot be read becomes a dead letter, bytes and all', async () => {
    const topic = await createTopic(broker.address, 1);
    const seen: unknown[] = [];
    const dead: unknown[] = [];
    @Injectable()
    class Listener {
      @KafkaListener({ topics: topic, groupId: `g-${topic}`, deadLetters: true })
      handle(@Payload() value: unknown, @Key() key: unknown) {
        seen.push([key, value]);
      }
      @KafkaListener({ topics: `${topic}-dlt`, groupId: `d-${topic}`, valueDeserializer: 'bytes' })
      letter(value: Buffer) {
        dead.push(value);
      }
    }
    const template = await start(
      { providers: [Listener] },
      {
        properties: {
          'spring.kafka.producer.key-serializer': 'org.apache.kafka.common.serialization.LongSerializer',
          'spring.kafka.producer.value-serializer': 'org.apache.kafka.common.serialization.IntegerSerializer',
          'spring.kafka.consumer.key-deserializer': 'org.apache.kafka.common.serialization.LongDeserializer',
          'spring.kafka.consumer.value-deserializer':
            'org.springframework.kafka.support.serializer.ErrorHandlingDeserializer',
          'spring.kafka.consumer.properties.spring.deserializer.value.delegate.class':
            'org.apache.kafka.common.serialization.IntegerDeserializer',
        },
      },
    );
    const broken = template.withSerializers<string>({ value: (_topic, value) => Buffer.from(String(value)) });
    await template.send(topic, 1, -7);
    await broken.send(topic, 2, 'no int');
    await template.send(topic, 3n, 2 ** 31 - 1);
    await until(() => seen.length === 2 && dead.length === 1, PATIENT);
    expect(seen).toEqual([
      [1, -7],
      [3, 2_147_483_647],
    ]);
    expect(String(dead[0])).toBe('no int');
  }, 60_000);

  it('that cannot be read are told with their bytes to the error handler, once', async () => {
    const topic = await createTopic(broker.address, 1);
    const errors: unknown[] = [];
    @Injectable()
    class Listener {
      @KafkaListener({ topics: topic, groupId: `g-${topic}`, errorHandler: (error) => void errors.push(error) })
      handle(_order: Order) {}
    }
    const template = await start({ providers: [Listener] });
    await template.send(topic, 'no json');
    await template.send(topic, { id: 'a', amount: -1 });
    await until(() => errors.length === 2, PATIENT);
    expect(errors[0]).toBeInstanceOf(DeserializationError);
    expect(errors).toMatchObject([
      { code: 'KAFKA_DESERIALIZATION_FAILED', data: Buffer.from('no json'), topic },
      { code: 'KAFKA_VALIDATION_FAILED' },
    ]);
  }, 60_000);
});
