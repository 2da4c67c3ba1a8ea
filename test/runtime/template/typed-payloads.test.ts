import { describe, expect, it } from '@jest/globals';
import {
  type KafkaTemplate,
  Producer,
  type ReplyingKafkaTemplate,
  type RoutingKafkaTemplate,
  type TopicSender,
} from '../../../src/index.js';

// What the compiler says about payloads: `npm run typecheck` fails where it stops to say so. Nothing here runs.

interface Order {
  readonly id: string;
}
const order: Order = { id: 'a' };

describe('payload types', () => {
  it('are those of the template, in every form of send', () => {
    const sends = async (template: KafkaTemplate<Order>, routing: RoutingKafkaTemplate<Order>) => {
      await template.send('orders', order);
      await template.send('orders', null);
      await template.send('orders', 7, order);
      await template.sendAll('orders', [order], (one) => ({ key: one!.id }));
      // @ts-expect-error a number is no order
      await template.send('orders', 7);
      // @ts-expect-error nor behind a key
      await template.send('orders', 'key', { id: 7 });
      // @ts-expect-error nor in a record
      await template.send({ topic: 'orders', value: { id: 7 } });
      // @ts-expect-error nor in a message
      await template.send({ payload: 'text', headers: {} });
      // @ts-expect-error nor for the default topic
      await template.sendDefault('key', 'text');
      // @ts-expect-error nor when nobody waits
      template.sendOneway('orders', 'text');
      // @ts-expect-error nor among many
      await template.sendAll('orders', ['text']);
      // @ts-expect-error an order is no key
      await template.send('orders', order, order);
      // @ts-expect-error nor through a route
      await routing.send('orders', 'text');
    };
    expect(sends).toBeInstanceOf(Function);
  });

  it('are those of a sender, of what @Producer takes from a value, and of a reply', () => {
    class Service {
      @Producer<Order>({ topic: 'orders', key: ({ id }) => id })
      // @ts-expect-error an order has no number
      @Producer<Order>({ topic: 'orders', key: ({ number }) => number })
      async place(): Promise<Order> {
        return order;
      }

      // @ts-expect-error what is sent comes from a promise or a stream
      @Producer({ topic: 'orders' })
      atOnce(): Order {
        return order;
      }
    }
    const sends = async (sender: TopicSender<Order>, asking: ReplyingKafkaTemplate<Order>) => {
      await sender.send(order);
      // @ts-expect-error text is no order
      await sender.send('text');
      const price = await asking.request<{ readonly cents: number }>('prices', order);
      // @ts-expect-error cents are no text
      const text: string = price.cents;
      return text;
    };
    expect([Service, sends]).toHaveLength(2);
  });
});
