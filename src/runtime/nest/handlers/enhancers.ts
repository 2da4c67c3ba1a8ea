import 'reflect-metadata';
import { type ApplicationConfig } from '@nestjs/core';
import { type AnyClass } from '../metadata-accessor.js';

// Which of Nest's pipes, guards, interceptors and filters a method has. Without any, listeners skip Nest's machinery.

export interface Enhancers {
  /** Anything at all that only Nest's external context can run. */
  readonly any: boolean;
  /** Without filters Nest would log every failure once more, with a stack. */
  readonly filters: boolean;
}

const GUARDS = '__guards__';
const INTERCEPTORS = '__interceptors__';
const FILTERS = '__exceptionFilters__';
const PIPES = '__pipes__';

/** `hasPipes`: the method's parameters have pipes or decorators of Nest's own kind. */
export function enhancersOf(config: ApplicationConfig, type: AnyClass, method: object, hasPipes: boolean): Enhancers {
  const has = (key: string) => isDeclared(key, type) || isDeclared(key, method);
  const filters = has(FILTERS) || config.getGlobalFilters().length + config.getGlobalRequestFilters().length > 0;
  const globals = [
    config.getGlobalPipes(),
    config.getGlobalGuards(),
    config.getGlobalInterceptors(),
    config.getGlobalRequestPipes(),
    config.getGlobalRequestGuards(),
    config.getGlobalRequestInterceptors(),
  ];
  const others = [GUARDS, INTERCEPTORS, PIPES].some(has) || globals.some((found) => found.length > 0);
  return { any: filters || others || hasPipes, filters };
}

/** Whether enhancers of the whole application live per request. */
export function hasScopedGlobals(config: ApplicationConfig): boolean {
  return [
    config.getGlobalRequestPipes(),
    config.getGlobalRequestGuards(),
    config.getGlobalRequestInterceptors(),
    config.getGlobalRequestFilters(),
  ].some((found) => found.length > 0);
}

function isDeclared(key: string, target: object): boolean {
  const found = Reflect.getMetadata(key, target) as unknown;
  return Array.isArray(found) && found.length > 0;
}
