import { Body, Controller, Delete, Get, Inject, Param, Post } from '@nestjs/common';
import { DeadLetters, Environment, KafkaTemplate } from 'nestdaw';
import { type Payment, PaymentListener } from './payment.listener.js';

@Controller()
export class PaymentController {
  constructor(
    @Inject(KafkaTemplate) private readonly template: KafkaTemplate<Payment>,
    @Inject(DeadLetters) private readonly letters: DeadLetters,
    @Inject(PaymentListener) private readonly listener: PaymentListener,
    @Inject(Environment) private readonly environment: Environment,
  ) {}

  /** Pays now, or with `{ "delay": "15m" }` later. */
  @Post('payments/:customer/:amount')
  async pay(@Param('customer') customer: string, @Param('amount') amount: string, @Body() body?: { delay?: string }) {
    const topic = this.environment.get('payments.topic')!;
    const record = { topic, key: customer, value: { customer, amount: Number(amount) } };
    return body?.delay ? this.template.send(record, { delay: body.delay }) : this.template.send(record);
  }

  /** Takes a payment back that was to be made later. */
  @Delete('payments/:id')
  async cancel(@Param('id') id: string) {
    return { cancelled: await this.template.cancelDelayed(id) };
  }

  @Get('payments')
  state() {
    const { paid, refused } = this.listener;
    return { paid: paid.map(({ customer }) => customer), refused };
  }

  /** Opens the bank and gives the refused ones one more chance. */
  @Post('bank/open')
  async open() {
    this.listener.isBankOpen = true;
    return this.letters.replay({ originalTopics: [this.environment.get('payments.topic')!] }, { to: 'listener' });
  }
}
