import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Producer } from 'nestdaw';
import { type Order, type PlaceOrder } from './order.js';

@Injectable()
export class OrderService {
  /** The returned order is published; the caller gets it once the broker has stored it, or an error. */
  @Producer({ topic: '${orders.topic}', key: 'customerId' })
  async place(request: PlaceOrder): Promise<Order> {
    return { id: randomUUID(), customerId: request.customerId, amount: request.amount };
  }
}
