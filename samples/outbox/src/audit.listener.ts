import { Injectable } from '@nestjs/common';
import { Idempotent, KafkaListener, Payload, Sql, type SqlTransaction } from 'nestdaw';
import { DATABASE } from './database.js';
import { type Deposit } from './deposit.js';

@Injectable()
export class AuditListener {
  /** The relay may send a message twice; by its id it counts once, and the id commits with the total. */
  @KafkaListener({ topics: '${deposits.topic}', groupId: 'audit' })
  @Idempotent({ id: '#header:message-id', store: DATABASE })
  async heard(@Payload() { account, amount }: Deposit, @Sql() sql: SqlTransaction): Promise<void> {
    await sql.query(
      'INSERT INTO heard (name, total) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET total = total + ?',
      [account, amount, amount],
    );
  }
}
