import { Injectable } from '@nestjs/common';
import { currentSqlTransaction, Outbox } from 'nestdaw';
import { type Deposit, type DepositDto } from './deposit.js';

@Injectable()
export class BankService {
  /** The balance and the message commit together, or neither does. */
  @Outbox<Deposit>({ topic: '${deposits.topic}', key: 'account' })
  async deposit({ account, amount, fail }: DepositDto): Promise<Deposit> {
    await currentSqlTransaction()!.query(
      'INSERT INTO accounts (name, balance) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET balance = balance + ?',
      [account, amount, amount],
    );
    if (fail) throw new Error('the bank has changed its mind');
    return { account, amount };
  }
}
