import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Payment } from '../samples/orders/src/billing.listener.js';
import { folderFor, freePort, SampleProcess } from './sample-process.js';

/** The orders sample as a process of its own, and the payments that it has made. */
export class OrdersApplication extends SampleProcess {
  static async open(environment: Readonly<Record<string, string>> = {}): Promise<OrdersApplication> {
    return new OrdersApplication('orders', folderFor('orders'), await freePort(), environment);
  }

  payments(): Payment[] {
    const file = join(this.folder, '.nestdaw/payments.jsonl');
    if (!existsSync(file)) return [];
    return readFileSync(file, 'utf8')
      .split('\n')
      .flatMap((line) => {
        try {
          return line === '' ? [] : [JSON.parse(line) as Payment];
        } catch {
          return []; // a line that a kill cut short
        }
      });
  }
}
