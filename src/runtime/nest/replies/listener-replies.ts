import { type Logger } from '../../../common/logger.js';
import { type KafkaListenerOptions } from '../../../decorators/listener-options.js';
import { type SendToMetadata } from '../../../decorators/send-to.js';
import { type Environment } from '../../config/environment.js';
import { parseBoolean } from '../../config/formats.js';
import { type Mistake } from '../../config/mistakes.js';
import { type KafkaListenerContext } from '../handlers/listener-context.js';
import { type CallRules } from '../handlers/listener-invoker.js';
import { type Call, type HandlerTarget } from '../handlers/method-call.js';
import { sendToOf } from '../metadata-accessor.js';
import { OptionReader } from '../option-reader.js';
import { type Replier, type ReplyTemplate, replier } from './replier.js';
import { replyPlan } from './reply-plan.js';
import { replyingCall, replyingErrorHandler } from './replying-calls.js';

// The replies of one listener: which of its methods answer, and where.

export interface ListenerRepliesOptions {
  readonly where: string;
  readonly options: KafkaListenerOptions;
  readonly batch: boolean;
  readonly template: ReplyTemplate;
  readonly environment: Environment;
  readonly logger: Logger;
}

export class ListenerReplies {
  readonly #options: ListenerRepliesOptions;
  readonly #mistakes: Mistake[];
  readonly #splitIterables: boolean;
  /** Of a class: who answers for the call that runs. */
  readonly #ofCalls = new WeakMap<KafkaListenerContext, Replier>();
  /** For records that did not get as far as a method. */
  #first: Replier | undefined;

  constructor(options: ListenerRepliesOptions, mistakes: Mistake[]) {
    this.#options = options;
    this.#mistakes = mistakes;
    const read = new OptionReader(`@KafkaListener of ${options.where}`, options.environment, mistakes);
    const split = options.options.splitIterables;
    this.#splitIterables = read.parsed<boolean>('splitIterables', split, parseBoolean, 'true or false') ?? true;
  }

  /** The call of a method, which ends with its replies if it sends some. */
  of(target: HandlerTarget, call: Call): Call {
    const sendTo = this.#sendTo(target);
    if (sendTo === undefined) return call;
    const { batch, template, environment, logger, where } = this.#options;
    const question = { origin: `@SendTo of ${where}`, sendTo, splitIterables: this.#splitIterables, environment };
    const reply = replier({ plan: replyPlan(question, this.#mistakes), template, batch, logger });
    this.#first ??= reply;
    return replyingCall(call, reply, this.#ofCalls);
  }

  /** The rules of the listener, whose error handler answers too. */
  rules(rules: CallRules): CallRules {
    if (this.#first === undefined || rules.errorHandler === undefined) return rules;
    const replierOf = (context: KafkaListenerContext) => this.#ofCalls.get(context) ?? this.#first;
    return { ...rules, errorHandler: replyingErrorHandler(rules.errorHandler, replierOf) };
  }

  #sendTo({ instance, type, method }: HandlerTarget): SendToMetadata | undefined {
    const { sendTo } = this.#options.options;
    const declared = sendToOf((instance as Record<string, object>)[method]!) ?? sendToOf(type);
    if (declared !== undefined || sendTo === undefined) return declared;
    return { topic: sendTo === '' ? undefined : sendTo, options: {} };
  }
}
