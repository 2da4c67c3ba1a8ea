import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  type Assignor,
  ContainerRegistry,
  type GroupAssignment,
  KafkaListener,
  KafkaModule,
} from '../../../../src/index.js';
import { startTestKafka, type TestKafka } from '../../../support/test-kafka.js';

/** The first member by id takes everything. */
class Selfish implements Assignor {
  readonly name = 'selfish';

  assign: Assignor['assign'] = (counts, members) => {
    const [first, ...others] = members.map(({ memberId }) => memberId).sort();
    const all = [...counts].flatMap(([topic, count]) =>
      Array.from({ length: count }, (_, partition) => ({ topic, partition })),
    );
    const assignment: GroupAssignment = new Map(others.map((id) => [id, []]));
    return assignment.set(first!, all);
  };
}

@Injectable()
class Orders {
  @KafkaListener({ id: 'orders', topics: 'orders', concurrency: 2 })
  handle() {}
}

describe('an assignment strategy of the application', () => {
  let kafka: TestKafka;
  let close: () => Promise<void> = () => Promise.resolve();

  beforeEach(async () => {
    kafka = await startTestKafka({ orders: 4 });
  });

  afterEach(async () => {
    await close();
    await kafka.stop();
  });

  it.each(['selfish', 'com.acme.Selfish'])('is found as %s', async (strategy) => {
    const properties = {
      ...kafka.properties(),
      'kafka.consumer.properties.partition.assignment.strategy': strategy,
    };
    const imports = [KafkaModule.forRoot({ properties, assignors: [Selfish] })];
    const module = await Test.createTestingModule({ imports, providers: [Orders] }).compile();
    const app = module.createNestApplication({ logger: false });
    close = () => app.close();
    await app.init();
    const sizes = () =>
      app
        .get(ContainerRegistry)
        .get('orders')
        .consumers.map((one) => one.assignment().length);
    expect(sizes().sort((a, b) => a - b)).toEqual([0, 4]);
  });
});
