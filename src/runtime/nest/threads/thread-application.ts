import { DEFAULT_CONNECTION } from '../../../common/connection-name.js';
import 'reflect-metadata';
import { type INestApplicationContext, type LoggerService, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { NestdawError } from '../../../common/errors.js';
import { type Logger } from '../../../common/logger.js';
import { KafkaModule } from '../../kafka.module.js';
import { loadFailure } from '../../threads/module-file.js';
import { type ThreadModule } from '../../threads/thread-messages.js';
import { type ThreadListener, type ThreadState } from '../../threads/thread-state.js';
import { connectionsIn, loadThreadModule } from './thread-module.js';

// What a worker thread opens: the application's module for threads, with the application's connections, and the one
// listener found in it.

/** What Nest says while it builds an application: of interest once, in the main thread. */
const BUILDING = new Set(['NestFactory', 'InstanceLoader', 'RoutesResolver', 'RouterExplorer']);

@Module({})
class ThreadRootModule {}

export interface ThreadApplication {
  readonly app: INestApplicationContext;
  readonly listener: ThreadListener;
}

/** Throws KAFKA_CONFIG_INVALID when the module cannot be opened or does not have the listener. */
export async function openThreadApplication(module: ThreadModule, state: ThreadState): Promise<ThreadApplication> {
  const type = await loadThreadModule(module);
  const brought = await connectionsIn(type);
  for (const { name, codeOptions } of state.connections) {
    if (codeOptions.length > 0 && !brought.has(name)) throw needsForRoot(name, codeOptions, type.name);
  }
  const connections = state.connections
    .filter(({ name }) => !brought.has(name))
    .map(({ name }) => KafkaModule.forRoot(name === DEFAULT_CONNECTION ? {} : { name }));
  let app: INestApplicationContext;
  try {
    const root = { module: ThreadRootModule, imports: [...connections, type] };
    app = await NestFactory.createApplicationContext(root, {
      logger: nestLoggerOver(state.logger),
      abortOnError: false,
    });
  } catch (error) {
    throw loadFailure(module.href, error);
  }
  if (state.found) return { app, listener: state.found };
  await app.close();
  const { id, connection } = state.listener;
  const where = connection === DEFAULT_CONNECTION ? '' : ` of connection ${connection}`;
  const why = state.problems.length > 0 ? ` (${state.problems.join('; ')})` : '';
  throw new NestdawError(
    'KAFKA_CONFIG_INVALID',
    `listener ${id}${where} runs in threads, but ${type.name} (${module.href}) does not have it${why}: list its class ` +
      'among the providers of that module, or of one that it imports',
  );
}

function needsForRoot(connection: string, options: readonly string[], module: string): NestdawError {
  const which = connection === DEFAULT_CONNECTION ? 'KafkaModule.forRoot' : `KafkaModule.forRoot of ${connection}`;
  return new NestdawError(
    'KAFKA_CONFIG_INVALID',
    `${which} is given ${options.join(', ')}, and code cannot be sent to a thread: move KafkaModule.forRoot({ … }) into the ` +
      `imports of ${module}, which the application imports as well, and remove it elsewhere`,
  );
}

/** Nest's own lines, and those of the application's `Logger`s. */
function nestLoggerOver(logger: Logger): LoggerService {
  const line = (message: unknown, rest: readonly unknown[]): string => {
    const context = rest.at(-1);
    const text =
      typeof message === 'string' ? message : message instanceof Error ? message.message : inspected(message);
    return typeof context === 'string' ? `[${context}] ${text}` : text;
  };
  const isBuilding = (rest: readonly unknown[]): boolean => BUILDING.has(String(rest.at(-1)));
  return {
    log: (message, ...rest: unknown[]) => {
      if (!isBuilding(rest)) logger.log(line(message, rest));
    },
    warn: (message, ...rest: unknown[]) => logger.warn(line(message, rest)),
    error: (message, ...rest: unknown[]) => {
      const [stack] = rest.length > 1 ? rest : [];
      logger.error(line(message, rest), typeof stack === 'string' ? stackOnly(String(message), stack) : message);
    },
    debug: (message, ...rest: unknown[]) => logger.debug?.(line(message, rest)),
    verbose: (message, ...rest: unknown[]) => logger.debug?.(line(message, rest)),
    fatal: (message, ...rest: unknown[]) => logger.error(line(message, rest)),
  };
}

function stackOnly(message: string, stack: string): Error {
  return Object.assign(new Error(message), { stack });
}

function inspected(message: unknown): string {
  return JSON.stringify(message) ?? String(message);
}
