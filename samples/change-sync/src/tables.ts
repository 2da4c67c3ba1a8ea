import { Injectable } from '@nestjs/common';

/** What happened to a row. */
export type Change =
  | { readonly kind: 'add' | 'update'; readonly id: number; readonly value: string }
  | { readonly kind: 'delete'; readonly id: number };

/** The rows that changes are made to. */
@Injectable()
export class SourceTable {
  readonly rows = new Map<number, string>();
}

/** The rows that follow. It refuses what cannot be: an update of a row that is not there would come out of order. */
@Injectable()
export class TargetTable {
  readonly rows = new Map<number, string>();
  violations = 0;

  apply(change: Change): void {
    const isThere = this.rows.has(change.id);
    if (change.kind === 'add' ? isThere : !isThere) this.violations += 1;
    if (change.kind === 'delete') this.rows.delete(change.id);
    else this.rows.set(change.id, change.value);
  }
}
