import { MemoryBudget } from '../../dispatch/memory-budget.js';
import { type QueueBudget } from '../../dispatch/partition-queue.js';
import { type ContainerSettings } from '../container-settings.js';

// How much of one partition may be in memory, and of all of them. Where nobody says otherwise it grows with the
// workers: a partition flows again at half of its budget, and by then each worker should have a record to run and one
// to go on with.

const RECORDS = 2_000;
const RECORDS_PER_WORKER = 4;
const UNCOMMITTED = 10_000;
const UNCOMMITTED_PER_WORKER = 2 * RECORDS_PER_WORKER;

export class PartitionBudget implements QueueBudget {
  readonly bytes: number;
  records = 0;
  /** Records above the committable offset. */
  uncommitted = 0;
  readonly #settings: ContainerSettings;

  constructor(settings: ContainerSettings, workers: number) {
    this.#settings = settings;
    this.bytes = settings.budgetBytes;
    this.workers = workers;
  }

  /** It does not shrink: what is in memory by then is. */
  set workers(count: number) {
    const { budgetRecords, budgetUncommitted } = this.#settings;
    this.records = budgetRecords ?? Math.max(this.records, RECORDS, count * RECORDS_PER_WORKER);
    this.uncommitted = budgetUncommitted ?? Math.max(this.uncommitted, UNCOMMITTED, count * UNCOMMITTED_PER_WORKER);
  }
}

/** What all partitions of a container may hold; `threads`: it is divided among so many that do not see each other. */
export function memoryBudget({ budgetMemory }: ContainerSettings, threads = 1): MemoryBudget {
  return new MemoryBudget(budgetMemory / threads);
}
