import { PARAMETER_KINDS } from '../../../decorators/metadata-keys.js';
import { type HandlerMethod } from '../declarations/listener-declaration.js';
import { type AnyClass, type MethodParameters } from '../metadata-accessor.js';

// A function as a method that can be called with a payload and a context.

const FUNCTION_PARAMETERS: MethodParameters = {
  count: 2,
  types: [Object, Object],
  decorated: (['payload', 'context'] as const).map((kind, index) => ({
    index,
    kind,
    data: undefined,
    hasPipes: false,
    entry: { index, data: undefined, pipes: [] },
    key: `${PARAMETER_KINDS[kind]}:${index}`,
    metatype: Object,
  })),
};

export function functionMethod(handler: (payload: any, context: any) => unknown): HandlerMethod {
  class Handler {
    handle = handler;
  }
  const target = { instance: new Handler(), type: Handler as AnyClass, method: 'handle', scoped: undefined };
  return { target, parameters: FUNCTION_PARAMETERS };
}
