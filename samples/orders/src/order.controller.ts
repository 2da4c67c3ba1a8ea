import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import { PlaceOrder } from './order.js';
import { OrderService } from './order.service.js';
import { Totals } from './totals.listener.js';

@Controller()
export class OrderController {
  constructor(
    private readonly orders: OrderService,
    private readonly totals: Totals,
  ) {}

  @Post('orders')
  async place(@Body() request: PlaceOrder): Promise<{ id: string }> {
    const order = await this.orders.place(request);
    return { id: order.id };
  }

  @Get('totals/:customer')
  total(@Param('customer') customer: string): { customer: string; orders: number; total: number } {
    return { customer, ...this.totals.of(customer) };
  }
}
