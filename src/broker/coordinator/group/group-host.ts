import { assertNever } from '../../../common/errors.js';
import { KeyedTimers } from '../keyed-timers.js';
import { type GroupMetadata } from '../offset-records.js';
import { type ClassicGroup } from './classic-group.js';
import { type GroupEffect, type GroupTimer, type JoinAnswer, type SyncAnswer } from './group-effects.js';
import { type ParkedRequests } from './parked-requests.js';

// Where a pure group meets the world: every event is followed, in the same turn, by the effects it led to.

export interface GroupWorld {
  readonly clock: KeyedTimers['clock'];
  readonly joins: ParkedRequests<JoinAnswer>;
  readonly syncs: ParkedRequests<SyncAnswer>;
  /** Appends and replays the group's record; a code that clients understand when it could not. */
  store(groupId: string, metadata: GroupMetadata): number;
  /** Resolves when what was stored is durable; undefined when it is. */
  durable(): Promise<void> | undefined;
}

export class GroupHost {
  readonly #timers: KeyedTimers;

  constructor(
    readonly group: ClassicGroup,
    private readonly world: GroupWorld,
  ) {
    this.#timers = new KeyedTimers(world.clock);
  }

  /** Lets the group take in one event. */
  handle<T>(event: (group: ClassicGroup, now: number) => T): T {
    const result = event(this.group, this.world.clock.now());
    this.perform();
    return result;
  }

  /** Carries out what the group asked for. */
  perform(): void {
    // An answer that tells of stored state leaves after that state is durable; so do all answers of the turn.
    const answers: GroupEffect[] = [];
    let hasStored = false;
    for (let effect = this.group.nextEffect(); effect; effect = this.group.nextEffect()) {
      switch (effect.type) {
        case 'answer-join':
        case 'answer-sync':
          answers.push(effect);
          break;
        case 'schedule':
          this.#schedule(effect.timer, effect.delayMs);
          break;
        case 'cancel':
          this.#timers.cancel(nameOf(effect.timer));
          break;
        case 'store': {
          hasStored = true;
          const errorCode = this.world.store(this.group.groupId, effect.metadata);
          this.group.stored(errorCode, this.world.clock.now());
          break;
        }
        default:
          assertNever(effect);
      }
    }
    this.#answer(answers, hasStored);
  }

  #answer(answers: readonly GroupEffect[], hasStored: boolean): void {
    if (answers.length === 0) return;
    const durable = hasStored ? this.world.durable() : undefined;
    for (const effect of answers) {
      if (effect.type === 'answer-join') this.world.joins.answer(effect.ticket, effect.answer, durable);
      else if (effect.type === 'answer-sync') this.world.syncs.answer(effect.ticket, effect.answer, durable);
    }
  }

  #schedule(timer: GroupTimer, delayMs: number): void {
    this.#timers.schedule(nameOf(timer), delayMs, () => this.handle((group, now) => group.onTimer(timer, now)));
  }

  /** The group is gone, or the coordinator stops: nothing happens by itself any more. */
  dispose(): void {
    this.#timers.cancelAll();
  }
}

function nameOf(timer: GroupTimer): string {
  return 'memberId' in timer ? `${timer.kind} ${timer.memberId}` : timer.kind;
}
