import 'reflect-metadata';
import { REBALANCE_SUBSCRIPTIONS } from './metadata-keys.js';

// Methods that are told about partitions that come and go, whatever they are called.

/** When in a rebalance a method is called: the method of `KafkaRebalanceListener` that it stands for. */
export type RebalanceMoment =
  | 'onPartitionsAssigned'
  | 'onPartitionsRevokedBeforeCommit'
  | 'onPartitionsRevokedAfterCommit'
  | 'onPartitionsLost';

/** One decorator of this kind on a method. */
export interface RebalanceSubscription {
  readonly moment: RebalanceMoment;
  /** Ids of listeners; undefined for all of the class. */
  readonly listeners: readonly string[] | undefined;
}

/** For classes with several listeners. */
export interface RebalanceOptions {
  /** Ids of the listeners whose partitions count. Default: all that the class has, or that name it. */
  readonly listener?: string | readonly string[];
}

/**
 * Called with partitions that were assigned and the consumer, before the first record of them is read: `consumer.seek`
 * here decides where. What the method throws fails the container. Like the others, on methods of the listener's own
 * class, or of a provider that `rebalanceListener` names; awaited; those of one moment in the order of the methods.
 */
export function OnPartitionsAssigned(options: RebalanceOptions = {}): MethodDecorator {
  return subscribed('onPartitionsAssigned', options);
}

/** Called with partitions that go; their handlers have ended, their last commit follows. */
export function OnPartitionsRevokedBeforeCommit(options: RebalanceOptions = {}): MethodDecorator {
  return subscribed('onPartitionsRevokedBeforeCommit', options);
}

/** Called with partitions that go; what was finished is committed. */
export function OnPartitionsRevokedAfterCommit(options: RebalanceOptions = {}): MethodDecorator {
  return subscribed('onPartitionsRevokedAfterCommit', options);
}

/** Called with partitions that are gone already, perhaps read elsewhere by now: nothing of them can be committed. */
export function OnPartitionsLost(options: RebalanceOptions = {}): MethodDecorator {
  return subscribed('onPartitionsLost', options);
}

function subscribed(moment: RebalanceMoment, { listener }: RebalanceOptions): MethodDecorator {
  const listeners = typeof listener === 'string' ? [listener] : listener;
  const subscription: RebalanceSubscription = { moment, listeners };
  return (_target, _name, descriptor: PropertyDescriptor) => {
    const method = descriptor.value as object;
    const before = (Reflect.getOwnMetadata(REBALANCE_SUBSCRIPTIONS, method) ?? []) as RebalanceSubscription[];
    Reflect.defineMetadata(REBALANCE_SUBSCRIPTIONS, [subscription, ...before], method);
  };
}
