import { Controller, Get, Param, ParseIntPipe, Post } from '@nestjs/common';
import { Environment, KafkaTemplate } from 'nestdaw';
import { ChangeListener } from './change.listener.js';
import { type Change, SourceTable, TargetTable } from './tables.js';

@Controller('sync')
export class ChangeController {
  readonly #topic: string;

  constructor(
    private readonly template: KafkaTemplate<Change>,
    private readonly source: SourceTable,
    private readonly target: TargetTable,
    private readonly listener: ChangeListener,
    environment: Environment,
  ) {
    this.#topic = environment.get('changes.topic') ?? 'changes';
  }

  /** Adds so many rows, updates each of them, and deletes every third. */
  @Post(':rows')
  async run(@Param('rows', ParseIntPipe) count: number): Promise<{ changes: number }> {
    const first = this.source.rows.size;
    const ids = Array.from({ length: count }, (_, index) => first + index);
    const changes: Change[] = [
      ...ids.map((id) => ({ kind: 'add' as const, id, value: `row ${id}` })),
      ...ids.map((id) => ({ kind: 'update' as const, id, value: `row ${id}, changed` })),
      ...ids.filter((id) => id % 3 === 0).map((id) => ({ kind: 'delete' as const, id })),
    ];
    for (const change of changes) {
      if (change.kind === 'delete') this.source.rows.delete(change.id);
      else this.source.rows.set(change.id, change.value);
    }
    await Promise.all(changes.map((change) => this.template.send(this.#topic, change.id, change)));
    return { changes: changes.length };
  }

  @Get()
  state(): object {
    const { source, target, listener } = this;
    const isEqual =
      source.rows.size === target.rows.size && [...source.rows].every(([id, row]) => target.rows.get(id) === row);
    return {
      source: source.rows.size,
      target: target.rows.size,
      isEqual,
      violations: target.violations,
      made: listener.made,
      failures: listener.failures,
      mostAtATime: listener.most,
    };
  }
}
