import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type INestApplicationContext, Module } from '@nestjs/common';
import { ModuleRef, NestFactory } from '@nestjs/core';
import { KafkaModule, KafkaTemplate, type ProducerInterceptor } from '../../../../src/index.js';
import { Produce } from '../../../../src/protocol/messages/00-produce.js';
import { KafkajsCluster } from '../../../../src/runtime/client/cluster/kafkajs-cluster.js';
import { type KafkaModuleOptions } from '../../../../src/runtime/kafka.module.js';
import { type ClusterRequest } from '../../../../src/runtime/nest/connection/cluster-request.js';
import { EmbeddedKafka } from '../../../../src/testing/index.js';

// A record's way from `send` to the broker and back, over a socket, and what an application opens for it.

describe('the way of a record', () => {
  let kafka: EmbeddedKafka;
  let app: INestApplicationContext | undefined;
  /** What was passed, in its order. */
  let stages: string[];
  let clusters: ClusterRequest[];

  beforeEach(async () => {
    kafka = await EmbeddedKafka.start({ topics: { orders: 2 } });
    stages = [];
    clusters = [];
  });

  afterEach(async () => {
    await app?.close();
    app = undefined;
    await kafka.stop();
  });

  /** A cluster that tells of the requests with records. */
  const watchedCluster = (request: ClusterRequest) => {
    clusters.push(request);
    const cluster = new KafkajsCluster(request);
    const send = cluster.send.bind(cluster) as (...args: unknown[]) => Promise<never>;
    cluster.send = (...args: unknown[]) => {
      if (args[1] === Produce) stages.push('request');
      return send(...args);
    };
    return cluster;
  };

  const start = async (options: Partial<KafkaModuleOptions> = {}): Promise<KafkaTemplate<string>> => {
    const properties = { 'kafka.bootstrap-servers': kafka.bootstrapServers };
    const factories = { cluster: watchedCluster };
    @Module({
      imports: [KafkaModule.forRoot({ cwd: '/nowhere', env: {}, argv: [], properties, factories, ...options })],
    })
    class Application {}
    app = await NestFactory.createApplicationContext(Application, { logger: false });
    return app.get<KafkaTemplate<string>>(KafkaTemplate);
  };

  it('leads past interceptors, serializers, the partitioner and a batch, and back past the interceptors', async () => {
    const probe: ProducerInterceptor = {
      onSend: (record) => {
        stages.push('interceptor');
        return record;
      },
      onAcknowledgement: () => stages.push('acknowledged'),
    };
    const partitioner = () => {
      stages.push('partitioner');
      return 1;
    };
    const template = (await start({ producerInterceptors: [probe], partitioner })).withSerializers<string>({
      key: (_topic, key) => {
        stages.push('key');
        return Buffer.from(String(key));
      },
      value: (_topic, value) => {
        stages.push('value');
        return Buffer.from(String(value));
      },
    });
    const sent = template.send('orders', 'k', 'v').then((result) => {
      stages.push('caller');
      return result;
    });
    expect(stages.filter((stage) => stage !== 'partitioner')).toEqual(['interceptor', 'key', 'value']);
    expect(await sent).toMatchObject({ topic: 'orders', partition: 1, offset: 0 });
    expect(stages).toEqual(['interceptor', 'key', 'value', 'partitioner', 'request', 'acknowledged', 'caller']);
  });

  it('is the same for all who ask for a template: one producer, one set of connections', async () => {
    const template = await start();
    const moduleRef = app!.get(ModuleRef);
    for (let i = 0; i < 1_000; i++) expect(moduleRef.get(KafkaTemplate, { strict: false })).toBe(template);
    const other = template.withSerializers<string>({ value: (_topic, value) => Buffer.from(`${String(value)}!`) });
    await Promise.all([template.send('orders', 0, null, 'a'), other.send('orders', 0, null, 'b')]);
    expect((await kafka.records('orders')).map(({ value }) => String(value))).toEqual(['a', 'b!']);
    expect(clusters.map(({ clientId }) => clientId)).toEqual(['nestdaw']);
  });

  it('ends for every record before the application does', async () => {
    const template = await start();
    const outcomes = { stored: 0, failed: 0 };
    for (let i = 0; i < 5_000; i++) {
      template.send('orders', `k${i}`, 'x').then(
        () => outcomes.stored++,
        () => outcomes.failed++,
      );
    }
    await app!.close();
    app = undefined;
    expect(outcomes).toEqual({ stored: 5_000, failed: 0 });
    expect(await kafka.records('orders')).toHaveLength(5_000);
  });
});
