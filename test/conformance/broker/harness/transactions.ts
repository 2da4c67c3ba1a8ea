import { type RequestInput } from '../../../../src/protocol/api.js';
import { type InitProducerId } from '../../../../src/protocol/messages/index.js';
import { type Producer, TransactionClient } from '../../../support/transaction-client.js';
import { eventually } from './eventually.js';
import { type World } from './world.js';

// Transactional producers of a case.

export class Transactions extends TransactionClient {
  constructor(readonly world: World) {
    super(world.client);
  }

  /** A producer with a transactional id of its own, whose coordinator is ready. */
  async producer(more: Partial<RequestInput<typeof InitProducerId>> = {}, id = this.world.name('tx')) {
    return eventually(async () => {
      await this.coordinator(id);
      const answer = await this.init(id, more);
      if (answer.errorCode !== 0) throw new Error(`InitProducerId of ${id} answers ${answer.errorCode}`);
      return answer;
    });
  }

  /** Ends the transaction; returns when it is complete, which Apache Kafka does not wait for. */
  async finish(producer: Producer, committed: boolean, version = 3) {
    const answer = await this.end(producer, committed, version);
    if (answer.errorCode !== 0) throw new Error(`EndTxn of ${producer.id} answers ${answer.errorCode}`);
    await this.settled(producer.id);
    return { ...producer, ...(version >= 5 ? answer : {}) };
  }

  /** Waits until no end is in work. */
  settled(id: string): Promise<string> {
    return eventually(async () => {
      const state = await this.state(id);
      if (state.startsWith('Prepare')) throw new Error(`${id} is in state ${state}`);
      return state;
    });
  }

  async state(id: string): Promise<string> {
    const [found] = await this.describe(id);
    if (found!.errorCode !== 0) throw new Error(`${id}: error ${found!.errorCode}`);
    return `${found!.transactionState} ${found!.producerEpoch}`;
  }
}
