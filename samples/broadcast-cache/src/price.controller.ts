import { Body, Controller, Delete, Get, HttpCode, Param, Put } from '@nestjs/common';
import { Environment, KafkaTemplate } from 'nestdaw';
import { PriceCache } from './price.cache.js';

@Controller('prices')
export class PriceController {
  readonly #topic: string;

  constructor(
    private readonly template: KafkaTemplate<{ cents: number }>,
    private readonly cache: PriceCache,
    environment: Environment,
  ) {
    this.#topic = environment.get('prices.topic') ?? 'prices';
  }

  @Put(':product')
  @HttpCode(204)
  async set(@Param('product') product: string, @Body() { cents }: { cents: number }): Promise<void> {
    await this.template.send(this.#topic, product, { cents });
  }

  /** A tombstone: the product is gone, from every cache. */
  @Delete(':product')
  @HttpCode(204)
  async remove(@Param('product') product: string): Promise<void> {
    await this.template.send(this.#topic, product, null);
  }

  /** Answered from memory. */
  @Get()
  all(): Record<string, number> {
    return this.cache.all();
  }
}
