import { type ApplicationConfig, ContextIdFactory, type ExternalContextCreator, type ModuleRef } from '@nestjs/core';
import 'reflect-metadata';
import { type AnyClass } from '../metadata-accessor.js';
import { enhancersOf, hasScopedGlobals } from './enhancers.js';
import { type HandlerPlan } from './handler-plan.js';
import { type KafkaListenerContext } from './listener-context.js';

// The way to the user's method, chosen once, at start: straight to it; through Nest's external context, where pipes,
// guards, interceptors or filters apply; or with an instance of its own per record, where the provider is
// request-scoped.

/** Key under which the external context finds the parameters: its own, so that what Nest keeps is not touched. */
const ARGUMENTS = 'nestdaw:arguments';

/** Calls the method; what it returns, or rejects with, is the method's. */
export type Call = (decoded: unknown, context: KafkaListenerContext) => unknown;
type Method = (...args: unknown[]) => unknown;

export interface HandlerTarget {
  /** The instance; of a scoped provider the one that Nest keeps as a pattern. */
  readonly instance: object;
  readonly type: AnyClass;
  readonly method: string;
  /** Present when every record needs an instance of its own. */
  readonly scoped: { readonly token: unknown; readonly moduleRef: ModuleRef; readonly inquirerId: string } | undefined;
}

export interface NestParts {
  readonly creator: ExternalContextCreator;
  readonly config: ApplicationConfig;
}

export function callOf(target: HandlerTarget, plan: HandlerPlan, nest: NestParts): Call {
  const method = (target.instance as Record<string, Method>)[target.method]!;
  const { any, filters } = enhancersOf(nest.config, target.type, method, plan.needsNest);
  if (any || target.scoped) declareArguments(target, plan);
  if (target.scoped || hasScopedGlobals(nest.config)) return scopedCall(target, plan, nest, filters);
  return any ? enhancedCall(target, plan, nest, filters) : directCall(target, plan);
}

function directCall({ instance, method }: HandlerTarget, plan: HandlerPlan): Call {
  const handler = instance as Record<string, Method>;
  const resolvers = plan.resolvers.map((resolve) => resolve ?? (() => undefined));
  const [first] = resolvers;
  if (resolvers.length === 1) {
    return (decoded, context) => {
      const argument = first!(decoded, context);
      return isThenable(argument) ? argument.then((value) => handler[method]!(value)) : handler[method]!(argument);
    };
  }
  return (decoded, context) => {
    const args: unknown[] = [];
    let pending = false;
    for (let index = 0; index < resolvers.length; index++) {
      const argument = resolvers[index]!(decoded, context);
      args.push(argument);
      pending ||= isThenable(argument);
    }
    return pending ? Promise.all(args).then((all) => handler[method]!(...all)) : handler[method]!(...args);
  };
}

function enhancedCall({ instance, method }: HandlerTarget, plan: HandlerPlan, nest: NestParts, filters: boolean): Call {
  return createContext(instance, method, plan, nest, filters);
}

/**
 * One context id, and so one instance of everything request-scoped, per record; `REQUEST` is the listener's context.
 */
function scopedCall(target: HandlerTarget, plan: HandlerPlan, nest: NestParts, filters: boolean): Call {
  const { method, scoped } = target;
  return async (decoded, context) => {
    const contextId = ContextIdFactory.create();
    nest.creator.registerRequestProvider(context, contextId);
    const instance = scoped
      ? ((await scoped.moduleRef.resolve(scoped.token as never, contextId, { strict: true })) as object)
      : target.instance;
    return createContext(instance, method, plan, nest, filters, contextId, scoped?.inquirerId)(decoded, context);
  };
}

function createContext(
  instance: object,
  method: string,
  plan: HandlerPlan,
  { creator }: NestParts,
  filters: boolean,
  contextId?: ReturnType<typeof ContextIdFactory.create>,
  inquirerId?: string,
): Call {
  const callback = (instance as Record<string, Method>)[method]!;
  const factory = {
    exchangeKeyForValue: (kind: number, data: unknown, args: unknown) =>
      plan.valueFor(kind, data, args as readonly unknown[]) as never,
  };
  const options = { guards: true, interceptors: true, filters };
  return creator.create<Record<string, never>, 'kafka'>(
    instance,
    callback,
    method,
    ARGUMENTS,
    factory,
    contextId,
    inquirerId,
    options,
    'kafka',
  );
}

function declareArguments({ instance, type, method }: HandlerTarget, plan: HandlerPlan): void {
  for (const holder of new Set<object>([Object.getPrototypeOf(instance).constructor as object, type])) {
    Reflect.defineMetadata(ARGUMENTS, plan.nestEntries, holder, method);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
