import { type INestApplication, type ModuleMetadata } from '@nestjs/common';
import {
  ClientKafka,
  EventPattern as TypedEventPattern,
  MessagePattern as TypedMessagePattern,
} from '@nestjs/microservices';
import { ContainerRegistry, NestdawStrategy } from '../../src/index.js';
import { type KafkaForTests } from '../../src/testing/index.js';
import { type BrokerApp, createOnBroker } from './broker-app.js';

// Applications written for Nest's own Kafka transport, served by NestdawStrategy, and Nest's own client.

// Nest's own types ask for parameters of exactly `any`.
export const EventPattern = TypedEventPattern as (...args: any[]) => MethodDecorator;
export const MessagePattern = TypedMessagePattern as (...args: any[]) => MethodDecorator;

export interface StrategyApp extends BrokerApp {
  readonly registry: ContainerRegistry;
}

export interface StrategyOptions {
  readonly properties?: Record<string, string>;
  /** Connected before the application is initialised. */
  readonly before?: boolean;
  readonly strategy?: (strategy: NestdawStrategy) => NestdawStrategy;
  /** Told of the application before anything of it starts. */
  readonly made?: (app: BrokerApp) => void;
}

/** The one line that an application changes. */
export async function serveByStrategy(
  kafka: KafkaForTests,
  metadata: ModuleMetadata,
  { properties = {}, before = false, strategy = (one) => one, made }: StrategyOptions = {},
): Promise<StrategyApp> {
  const parts = await createOnBroker(kafka, metadata, properties);
  made?.(parts);
  const { app } = parts;
  if (!before) await app.init();
  app.connectMicroservice({ strategy: strategy(app.get(NestdawStrategy)) });
  await app.startAllMicroservices();
  if (before) await app.init();
  return { ...parts, registry: app.get(ContainerRegistry) };
}

/** Nest's own client, that waits for replies of these topics. */
export async function askingClient(kafka: KafkaForTests, ...answered: string[]): Promise<ClientKafka> {
  const made = new ClientKafka({
    client: { brokers: [kafka.bootstrapServers], logLevel: 0 },
    // kafkajs waits for its long poll when it is closed.
    consumer: { groupId: 'asking', heartbeatInterval: 100, maxWaitTimeInMs: 50 },
  });
  for (const topic of answered) made.subscribeToResponseOf(topic);
  await made.connect();
  return made;
}

/** Ends what there is, whatever became of the test. */
export async function endAll(clients: ClientKafka[], app: INestApplication | undefined): Promise<void> {
  for (const client of clients.splice(0)) await client.close();
  await app?.close();
}
