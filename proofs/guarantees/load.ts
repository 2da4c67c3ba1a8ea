import { setTimeout as delay } from 'node:timers/promises';
import { type Random } from '../../src/common/random.js';
import { KafkajsCluster } from '../../src/runtime/client/cluster/kafkajs-cluster.js';
import { KafkaProducer } from '../../src/runtime/client/producer/kafka-producer.js';
import { type Guarantee } from './guarantee.js';

// Messages at an even pace, through kills of the broker. What was acknowledged must take effect.

const PACE_MS = 5;
export const KEYS = 50;

export class Load {
  readonly accepted = new Set<string>();
  readonly #producer: KafkaProducer;
  readonly #random: Random;
  readonly #topic: string;
  readonly #sendsTwice: boolean;
  readonly #atOnce: number;
  readonly #pending = new Set<Promise<unknown>>();
  #isRunning = true;
  #sent = 0;
  #loop: Promise<void> = Promise.resolve();

  constructor(
    bootstrapServers: string,
    topic: string,
    random: Random,
    { sendsTwice, atOnce = 1 }: Pick<Guarantee, 'sendsTwice' | 'atOnce'>,
  ) {
    this.#producer = new KafkaProducer({
      cluster: new KafkajsCluster({ bootstrapServers: bootstrapServers.split(',') }),
      options: { lingerMs: 2 },
    });
    this.#random = random;
    this.#topic = topic;
    this.#sendsTwice = sendsTwice;
    this.#atOnce = atOnce;
  }

  async start(): Promise<void> {
    await this.#producer.start();
    this.#loop = this.#run();
  }

  /** Sends no more; resolves when all is acknowledged or refused. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    await this.#loop;
    await this.#producer.flush();
    await Promise.allSettled(this.#pending);
    await this.#producer.stop();
  }

  async #run(): Promise<void> {
    const recent: number[] = [];
    while (this.#isRunning) {
      for (let i = 0; i < this.#atOnce; i++) this.#sendNext(recent);
      await delay(PACE_MS);
    }
  }

  #sendNext(recent: number[]): void {
    const number = this.#sent++;
    this.#send(number);
    recent.push(number);
    if (recent.length > 30) recent.shift();
    if (this.#sendsTwice && this.#random.next() < 0.2) {
      this.#send(recent[Math.floor(this.#random.next() * recent.length)]!);
    }
  }

  #send(number: number): void {
    const id = `m-${number}`;
    const sent = this.#producer.send(this.#topic, undefined, {
      key: Buffer.from(`k-${number % KEYS}`),
      value: Buffer.from(JSON.stringify({ id })),
      headers: [{ key: 'message-id', value: Buffer.from(id) }],
    });
    this.#pending.add(sent);
    sent.then(
      () => {
        this.accepted.add(id);
        this.#pending.delete(sent);
      },
      () => this.#pending.delete(sent), // not accepted: nobody was promised anything
    );
  }
}
