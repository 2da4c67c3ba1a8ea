import { type AssignorMember, compareText, type GroupAssignment } from './assignor.js';

// Who owns how much while the sticky strategy works, and the balancing itself: as long as a chain of members exists
// along which one partition each moves from a fuller member to one with at least two fewer, shift along it. When no
// chain is left, no other distribution is more even; shortest chains first keep the moves few.

interface Load {
  readonly memberId: string;
  readonly topics: ReadonlySet<string>;
  /** Partitions by topic; the newest last, so that what was just given moves before what was kept. */
  readonly owned: Map<string, number[]>;
  count: number;
}

interface Step {
  readonly from: Load;
  readonly topic: string;
}

export class MemberLoads {
  readonly #loads: Load[];
  readonly #byId: Map<string, Load>;
  readonly #subscribers = new Map<string, Load[]>();

  constructor(members: readonly AssignorMember[]) {
    this.#loads = members.map(({ memberId, topics }) => ({
      memberId,
      topics: new Set(topics),
      owned: new Map(),
      count: 0,
    }));
    this.#byId = new Map(this.#loads.map((load) => [load.memberId, load]));
  }

  subscribersOf(topic: string): readonly Load[] {
    let subscribers = this.#subscribers.get(topic);
    if (!subscribers) {
      subscribers = this.#loads.filter((load) => load.topics.has(topic));
      this.#subscribers.set(topic, subscribers);
    }
    return subscribers;
  }

  give(memberId: string, topic: string, partition: number): void {
    add(this.#byId.get(memberId)!, topic, partition);
  }

  giveToLeastLoaded(topic: string, partition: number): void {
    const [first, ...others] = this.subscribersOf(topic);
    const least = others.reduce((best, load) => (load.count < best.count ? load : best), first!);
    add(least, topic, partition);
  }

  balance(): void {
    let full = this.#fullestWithRelief();
    while (full) {
      shift(full);
      full = this.#fullestWithRelief();
    }
  }

  #fullestWithRelief(): { path: Step[]; to: Load } | undefined {
    const fullestFirst = [...this.#loads].sort((a, b) => b.count - a.count);
    for (const load of fullestFirst) {
      const relief = this.#shortestRelief(load);
      if (relief) return relief;
    }
    return undefined;
  }

  /** Breadth first from `start` to the nearest member with at least two partitions fewer. */
  #shortestRelief(start: Load): { path: Step[]; to: Load } | undefined {
    const cameBy = new Map<Load, Step | undefined>([[start, undefined]]);
    let frontier = [start];
    while (frontier.length > 0) {
      const next: Load[] = [];
      for (const from of frontier) {
        for (const topic of from.owned.keys()) {
          for (const to of this.subscribersOf(topic)) {
            if (cameBy.has(to)) continue;
            cameBy.set(to, { from, topic });
            next.push(to);
          }
        }
      }
      const least = next.reduce<Load | undefined>(
        (best, load) => (best && best.count <= load.count ? best : load),
        undefined,
      );
      if (least && least.count <= start.count - 2) return { path: pathTo(least, cameBy), to: least };
      frontier = next;
    }
    return undefined;
  }

  toAssignment(): GroupAssignment {
    return new Map(
      this.#loads.map(({ memberId, owned }) => [
        memberId,
        [...owned.keys()]
          .sort(compareText)
          .flatMap((topic) => [...owned.get(topic)!].sort((a, b) => a - b).map((partition) => ({ topic, partition }))),
      ]),
    );
  }
}

function add(load: Load, topic: string, partition: number): void {
  const partitions = load.owned.get(topic);
  if (partitions) partitions.push(partition);
  else load.owned.set(topic, [partition]);
  load.count++;
}

function pathTo(end: Load, cameBy: ReadonlyMap<Load, Step | undefined>): Step[] {
  const path: Step[] = [];
  for (let step = cameBy.get(end); step; step = cameBy.get(step.from)) path.unshift(step);
  return path;
}

function shift({ path, to }: { path: readonly Step[]; to: Load }): void {
  for (const [index, { from, topic }] of path.entries()) {
    const partitions = from.owned.get(topic)!;
    const partition = partitions.pop()!;
    if (partitions.length === 0) from.owned.delete(topic);
    from.count--;
    add(path[index + 1]?.from ?? to, topic, partition);
  }
}
