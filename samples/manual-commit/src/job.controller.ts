import { Controller, Get, Param, ParseIntPipe, Post } from '@nestjs/common';
import { Environment, KafkaTemplate } from 'nestdaw';
import { Notes } from './notes.js';

@Controller()
export class JobController {
  constructor(
    private readonly template: KafkaTemplate<string>,
    private readonly environment: Environment,
    private readonly notes: Notes,
  ) {}

  @Post('jobs/:count')
  async send(@Param('count', ParseIntPipe) count: number): Promise<{ sent: number }> {
    const topic = this.environment.get('jobs.topic') ?? 'jobs';
    const begun = Date.now();
    const jobs = Array.from({ length: count }, (_, index) => `job-${begun}-${index}`);
    await Promise.all(jobs.map((job) => this.template.send(topic, job)));
    return { sent: count };
  }

  @Get('jobs')
  counts(): Record<string, unknown> {
    return this.notes.counts();
  }
}
