import { isObservable, lastValueFrom } from 'rxjs';
import { hasCode } from '../../../common/errors.js';
import { type KafkaListenerContext } from '../handlers/listener-context.js';
import { type CallRules } from '../handlers/listener-invoker.js';
import { type Call } from '../handlers/method-call.js';
import { type Replier } from './replier.js';

// Calls of methods whose results are replies: the call is over when the replies are acknowledged.

/** The call with the sending of its replies; `seen` remembers who answers for a call, for its error handler. */
export function replyingCall(call: Call, reply: Replier, seen?: WeakMap<KafkaListenerContext, Replier>): Call {
  const answer = (result: unknown, context: KafkaListenerContext): unknown => {
    if (isObservable(result)) {
      return lastValueFrom(result, { defaultValue: undefined }).then((last: unknown) => reply(last, context));
    }
    return reply(result, context);
  };
  return (decoded, context) => {
    seen?.set(context, reply);
    const result = call(decoded, context);
    return isThenable(result) ? result.then((value) => answer(value, context)) : answer(result, context);
  };
}

/** The application's error handler, whose result is a reply too (Spring: `KafkaListenerErrorHandler`). */
export function replyingErrorHandler(
  errorHandler: NonNullable<CallRules['errorHandler']>,
  replierOf: (context: KafkaListenerContext) => Replier | undefined,
): NonNullable<CallRules['errorHandler']> {
  return (error, context) => {
    // The method has done its work; what is missing is the sending, which the container tries again.
    if (hasCode(error, 'KAFKA_REPLY_NOT_SENT')) throw error;
    const result = errorHandler(error, context);
    const reply = replierOf(context);
    if (reply === undefined) return result;
    return isThenable(result) ? result.then((value) => reply(value, context)) : reply(result, context);
  };
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
