import { Injectable } from '@nestjs/common';
import { Idempotent, KafkaListener, Payload, Sql, type SqlTransaction } from 'nestdaw';
import type sqlite from 'node-sqlite3-wasm';
import { DATABASE } from './database.js';
import { Payment } from './payment.js';

// Exactly once in effect: the message id is written in the transaction that the handler writes in.

@Injectable()
export class LedgerListener {
  @KafkaListener({ topics: 'incoming-payments', groupId: 'ledger' })
  @Idempotent({ store: DATABASE })
  async book(@Payload() payment: Payment, @Sql() sql: SqlTransaction<sqlite.Database>): Promise<void> {
    await sql.query('INSERT INTO ledger (payment, amount) VALUES (?, ?)', [payment.id, payment.amount]);
  }
}
