// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of properties, not of templates
import { BadRequestException, Body, Controller, Get, HttpCode, Post } from '@nestjs/common';
import { Environment, KafkaTemplate } from 'nestdaw';
import { Audit } from './audit.listener.js';
import { type Transfer } from './transfer.js';

@Controller()
export class TransfersController {
  readonly #topic: string;

  constructor(
    private readonly template: KafkaTemplate<Transfer>,
    private readonly audit: Audit,
    environment: Environment,
  ) {
    this.#topic = environment.resolvePlaceholders('${transfers.topic}');
  }

  /** Takes transfers together: all of them are placed, or none. */
  @Post('transfers')
  @HttpCode(202)
  async place(@Body() transfers: Transfer[]): Promise<{ accepted: number }> {
    return this.template.executeInTransaction(async (template) => {
      for (const transfer of transfers) {
        await template.send(this.#topic, transfer.from, transfer);
        // Thrown inside: those before it are not placed either.
        if (!(transfer.cents > 0)) throw new BadRequestException(`${transfer.id}: give a positive number of cents`);
      }
      return { accepted: transfers.length };
    });
  }

  @Get('audit')
  report() {
    return this.audit.report();
  }
}
