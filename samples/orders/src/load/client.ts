import { Agent, request } from 'node:http';
import { type Accepted } from './check.js';

// Posts orders over keep-alive connections. An order counts as accepted when the answer is 201, and only then.

export class OrdersClient {
  readonly #agent: Agent;

  constructor(
    readonly port: number,
    connections: number,
  ) {
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  /** The accepted order; undefined when the server refused it or could not be reached. */
  async place(customerId: string, amount: number): Promise<Accepted | undefined> {
    const requestedAt = Date.now();
    const answer = await this.#call('POST', '/orders', JSON.stringify({ customerId, amount })).catch(() => undefined);
    if (answer?.status !== 201) return undefined;
    return { orderId: (JSON.parse(answer.body) as { id: string }).id, customerId, requestedAt };
  }

  async ordersOf(customerId: string): Promise<number> {
    const answer = await this.#call('GET', `/totals/${encodeURIComponent(customerId)}`);
    return (JSON.parse(answer.body) as { orders: number }).orders;
  }

  #call(method: string, path: string, body?: string): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const headers =
        body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
      const call = request(
        { host: '127.0.0.1', port: this.port, method, path, agent: this.#agent, headers },
        (answer) => {
          let text = '';
          answer.setEncoding('utf8');
          answer.on('data', (chunk: string) => {
            text += chunk;
          });
          answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: text }));
          answer.on('error', reject);
        },
      );
      call.on('error', reject);
      call.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
