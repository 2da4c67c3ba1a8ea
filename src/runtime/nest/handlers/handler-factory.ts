import { KafkaHeaders } from '../../../common/kafka-headers.js';
import { type Mistake } from '../../config/mistakes.js';
import { type ListenerEndpoint } from '../../listener/listener-endpoint.js';
import { type payloadFormats } from '../connection/client-options.js';
import { type EndpointNumbers } from '../declarations/endpoint-options.js';
import { type Findings, type HandlerMethod, type ListenerDeclaration } from '../declarations/listener-declaration.js';
import { type AnyClass } from '../metadata-accessor.js';
import { type ProviderLookup } from '../provider-lookup.js';
import { type ListenerReplies } from '../replies/listener-replies.js';
import { type ListenerFormats } from '../serdes/payload-formats.js';
import { classHandlers } from './class-handlers.js';
import { type HandlerPlan, handlerPlan } from './handler-plan.js';
import { type ListenerIdentity } from './listener-context.js';
import { batchInvoker, type CallRules, callChosen, callOne, recordInvoker } from './listener-invoker.js';
import { callOf, type NestParts } from './method-call.js';
import { PayloadDispatch } from './payload-dispatch.js';

// From methods, or something ready-made, to the handler that a container calls.

/** How keys and values are read, and how replies are sent. */
export type PayloadFormats = ReturnType<typeof payloadFormats> &
  ListenerFormats & { readonly replies: ListenerReplies; readonly hasSql: boolean };

export class HandlerFactory {
  readonly #nest: NestParts;
  readonly #lookup: ProviderLookup;

  constructor(nest: NestParts, lookup: ProviderLookup) {
    this.#nest = nest;
    this.#lookup = lookup;
  }

  /** How every call of the listener is made. */
  rulesOf({ where, options }: ListenerDeclaration, listener: ListenerIdentity, mistakes: Mistake[]): CallRules {
    const origin = `@KafkaListener of ${where}`;
    const filter = { origin, option: 'filter', allowed: 'a function, or a provider with accepts(record)' };
    const errors = {
      origin,
      option: 'errorHandler',
      allowed: 'a function, or a provider with handleError(error, context)',
    };
    return {
      listener,
      filter: this.#lookup.functionOf(options.filter, 'accepts', filter, mistakes),
      errorHandler: this.#lookup.functionOf(options.errorHandler, 'handleError', errors, mistakes),
      isTracked: options.asyncContext === true || options.asyncContext === 'true',
    };
  }

  /** Every mistake is added to the findings. */
  handlerOf(
    { where, options, source }: ListenerDeclaration,
    numbers: EndpointNumbers,
    formats: PayloadFormats,
    rules: CallRules,
    findings: Findings,
  ): ListenerEndpoint['handler'] {
    const { batch } = numbers;
    const { replies } = formats;
    if (source.kind === 'ready') return source.handlerFor(rules);
    if (source.kind === 'method') {
      const plan = this.#plan(where, source, options.payload, numbers, formats, findings);
      reportUnacknowledged(where, numbers, [source], findings.notices);
      const call = replies.of(source.target, callOf(source.target, plan, this.#nest));
      const handling = { converter: plan.converter, call };
      return batch
        ? { kind: 'batch', invoke: batchInvoker(handling, replies.rules(rules)) }
        : { kind: 'record', invoke: recordInvoker(callOne(handling), replies.rules(rules)) };
    }
    if (batch) {
      const problem =
        'batch: the methods of a class get records one by one; put @KafkaListener on one method for batches';
      findings.mistakes.push({ origin: `@KafkaListener of ${where}`, problem });
    }
    const declared = source.methods.map((method) => {
      const name = `${where}.${method.target.method}`;
      const payload = method.options.payload ?? options.payload;
      const plan = this.#plan(name, method, payload, { ...numbers, batch: false }, formats, findings);
      const call = replies.of(method.target, callOf(method.target, plan, this.#nest));
      const handling = { converter: plan.converter, call };
      return {
        where: name,
        options: method.options,
        handling,
        payloadClass: plan.payloadClass as AnyClass | undefined,
        wireNames: formats.wireNames(plan.payloadClass),
      };
    });
    reportUnacknowledged(where, numbers, source.methods, findings.notices);
    const { typeHeader = KafkaHeaders.TYPE_ID, typeKey = 'type' } = options;
    const dispatch = new PayloadDispatch(classHandlers(where, declared, findings.mistakes), {
      where,
      typeHeader,
      typeKey,
      classNamed: formats.classNamed,
    });
    return {
      kind: 'record',
      invoke: recordInvoker(
        callChosen((record) => dispatch.choose(record)),
        replies.rules(rules),
      ),
    };
  }

  #plan(
    where: string,
    { parameters }: HandlerMethod,
    payloadClass: unknown,
    { batch, ackMode }: EndpointNumbers,
    formats: PayloadFormats,
    { mistakes, notices }: Findings,
  ): HandlerPlan {
    const plan = handlerPlan(
      {
        where,
        parameters,
        batch,
        manualAck: isManual(ackMode),
        ackMode,
        payloadClass,
        ...formats,
      },
      mistakes,
    );
    if (plan.converter && payloadClass === undefined && parameters.types.length === 0) {
      notices.push(
        `${where}: the compiler emitted no parameter types, so payloads stay plain objects; switch ` +
          'emitDecoratorMetadata on, or name the class with payload: in @KafkaListener',
      );
    }
    return plan;
  }
}

/** Whether a listener acknowledges by hand. */
export function isManual(ackMode: string): boolean {
  return ackMode === 'MANUAL' || ackMode === 'MANUAL_IMMEDIATE';
}

function reportUnacknowledged(
  where: string,
  { ackMode }: EndpointNumbers,
  methods: readonly HandlerMethod[],
  notices: string[],
): void {
  const canAcknowledge = ['acknowledgment', 'context', 'custom'];
  const decorated = methods.flatMap(({ parameters }) => parameters.decorated);
  if (!isManual(ackMode) || decorated.some(({ kind }) => canAcknowledge.includes(kind))) return;
  notices.push(
    `${where}: the ack mode is ${ackMode}, but no parameter is @Ack(): nothing is committed unless an interceptor ` +
      'acknowledges; add the parameter, or take another ack mode',
  );
}
