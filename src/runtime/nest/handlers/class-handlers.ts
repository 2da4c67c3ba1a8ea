import { type KafkaHandlerOptions } from '../../../decorators/listener-options.js';
import { type Mistake } from '../../config/mistakes.js';
import { type AnyClass } from '../metadata-accessor.js';
import { type Handling } from './listener-invoker.js';
import { type PayloadHandler } from './payload-dispatch.js';

// The methods of a listening class as a set that can work: every record has at most one place to go.

export interface DeclaredHandler {
  readonly where: string;
  readonly options: KafkaHandlerOptions;
  readonly handling: Handling;
  /** The class that the method's payload is turned into, if any. */
  readonly payloadClass: AnyClass | undefined;
  /** Names on the wire of that class. */
  readonly wireNames: readonly string[];
}

/** Adds to `mistakes` what is impossible; the handlers are then not to be used. */
export function classHandlers(
  where: string,
  declared: readonly DeclaredHandler[],
  mistakes: Mistake[],
): PayloadHandler[] {
  const handlers = declared.map(payloadHandler);
  const report = (origin: string, problem: string) => mistakes.push({ origin, problem });
  if (handlers.length === 0) report(where, 'no method is a @KafkaHandler; add one, or put @KafkaListener on a method');
  reportTwice(handlers, 'isDefault', report);
  reportTwice(handlers, 'tombstone', report);
  const owners = new Map<string, string>();
  for (const handler of handlers) {
    for (const type of handler.types) {
      const owner = owners.get(type);
      if (owner !== undefined) report(handler.where, `takes ${type}, as ${owner} does; give one of them another type`);
      owners.set(type, handler.where);
    }
    const { types, is, isDefault, tombstone } = handler;
    if (types.length === 0 && is === undefined && !isDefault && !tombstone) {
      report(
        handler.where,
        'nothing says which payloads it takes; give @KafkaHandler a type, an is function or isDefault: true, or declare ' +
          'the payload as a class',
      );
    }
  }
  return handlers;
}

function payloadHandler({ where, options, handling, payloadClass, wireNames }: DeclaredHandler): PayloadHandler {
  const { type, is, isDefault = false, tombstone = false } = options;
  const given = type === undefined ? [] : typeof type === 'string' ? [type] : [...type];
  const isNamed = given.length > 0 || is !== undefined || isDefault || tombstone;
  const types = isNamed || payloadClass === undefined ? given : [...new Set([payloadClass.name, ...wireNames])];
  const ofClass = isNamed ? undefined : payloadClass;
  return { where, handling, types, ofClass, is, isDefault, tombstone };
}

function reportTwice(
  handlers: readonly PayloadHandler[],
  what: 'isDefault' | 'tombstone',
  report: (origin: string, problem: string) => void,
): void {
  const [first, second] = handlers.filter((handler) => handler[what]);
  if (second) report(second.where, `${what} is said by ${first!.where} already; one method can be that`);
}
