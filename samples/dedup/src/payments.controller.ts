import { Body, Controller, Get, Inject, Post } from '@nestjs/common';
import { KafkaTemplate } from 'nestdaw';
import type sqlite from 'node-sqlite3-wasm';
import { DATABASE } from './database.js';
import { MailListener } from './mail.listener.js';
import { Payment } from './payment.js';

@Controller()
export class PaymentsController {
  constructor(
    private readonly template: KafkaTemplate<Payment>,
    private readonly mails: MailListener,
    @Inject(DATABASE) private readonly database: sqlite.Database,
  ) {}

  /** Posted twice, a payment is sent twice: with the same message id. */
  @Post('payments')
  async pay(@Body() payment: Payment): Promise<{ offset: number }> {
    const headers = { 'message-id': payment.id };
    const { offset } = await this.template.send({
      topic: 'incoming-payments',
      key: payment.id,
      value: payment,
      headers,
    });
    return { offset };
  }

  @Get('totals')
  totals(): { total: number; mails: number } {
    const { total } = this.database.get('SELECT COALESCE(SUM(amount), 0) AS total FROM ledger') as { total: number };
    return { total, mails: this.mails.sent };
  }
}
