import {
  Body,
  Controller,
  Get,
  Inject,
  InternalServerErrorException,
  Param,
  Post,
  ValidationPipe,
} from '@nestjs/common';
import { OutboxTemplate, type SqlDatabase, sqlDatabase } from 'nestdaw';
import { BankService } from './bank.service.js';
import { DATABASE } from './database.js';
import { type Deposit, DepositDto } from './deposit.js';

@Controller()
export class BankController {
  readonly #database: SqlDatabase;

  constructor(
    private readonly bank: BankService,
    private readonly outbox: OutboxTemplate,
    @Inject(DATABASE) database: object,
  ) {
    this.#database = sqlDatabase(database);
  }

  @Post('deposits')
  async deposit(@Body(new ValidationPipe({ whitelist: true })) deposit: DepositDto): Promise<Deposit> {
    try {
      return await this.bank.deposit(deposit);
    } catch (error) {
      throw new InternalServerErrorException((error as Error).message);
    }
  }

  /** What the bank has, and what the audit has heard: the same, a moment later. */
  @Get('accounts/:name')
  async account(@Param('name') name: string): Promise<object> {
    const bank = await this.#database.query('SELECT balance FROM accounts WHERE name = ?', [name]);
    const audit = await this.#database.query('SELECT total FROM heard WHERE name = ?', [name]);
    return { account: name, balance: bank.rows[0]?.balance ?? 0, heard: audit.rows[0]?.total ?? 0 };
  }

  @Get('outbox')
  state(): Promise<object> {
    return this.outbox.state();
  }
}
