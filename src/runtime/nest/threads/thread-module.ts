import 'reflect-metadata';
import { type DynamicModule, type ForwardReference, type Type } from '@nestjs/common';
import { loadModule } from '#here';
import { NestdawError } from '../../../common/errors.js';
import { loadFailure } from '../../threads/module-file.js';
import { type ThreadModule } from '../../threads/thread-messages.js';

// The module that a thread opens: the class in its file, and the connections that it brings itself.

/** On what `KafkaModule.forRoot` returns: the name of the connection. */
const CONNECTION_OF_MODULE = Symbol.for('nestdaw:connection-of-module');

const MODULE_KEYS = ['imports', 'providers', 'controllers', 'exports'];

type Import = Type | DynamicModule | ForwardReference | Promise<DynamicModule>;

/** Writes the connection's name on the module. */
export function namedModule(name: string, module: DynamicModule): DynamicModule {
  return Object.assign(module, { [CONNECTION_OF_MODULE]: name });
}

/** Throws KAFKA_CONFIG_INVALID when the file cannot be loaded, or does not say which class it is. */
export async function loadThreadModule({ href, exportName }: ThreadModule): Promise<Type> {
  let exported: Record<string, unknown>;
  try {
    exported = await loadModule(href);
  } catch (error) {
    throw loadFailure(href, error);
  }
  const inner = exported.default;
  const all = { ...(typeof inner === 'object' && inner !== null ? inner : {}), ...exported };
  if (exportName !== undefined) {
    const named = all[exportName as keyof typeof all];
    if (isClass(named)) return named;
    throw unclear(href, `has no class ${exportName}`, all);
  }
  const classes = [...new Set(Object.values(all).filter(isClass))];
  const modules = classes.filter((type) => MODULE_KEYS.some((key) => Reflect.hasMetadata(key, type)));
  const [found, second] = modules.length > 0 ? modules : classes;
  if (found === undefined) throw unclear(href, 'exports no class', all);
  if (second !== undefined) throw unclear(href, 'exports several classes', all);
  return found;
}

/** Names of the connections that a module imports, itself or through others. */
export async function connectionsIn(root: Type): Promise<Set<string>> {
  const names = new Set<string>();
  const seen = new Set<unknown>();
  const look = async (given: Import): Promise<void> => {
    const one = await given;
    const target = 'forwardRef' in one ? (one.forwardRef() as Type) : one;
    if (seen.has(target)) return;
    seen.add(target);
    const name = (target as { [CONNECTION_OF_MODULE]?: string })[CONNECTION_OF_MODULE];
    if (name !== undefined) names.add(name);
    const type = 'module' in target ? target.module : target;
    const imports = [
      ...('module' in target ? (target.imports ?? []) : []),
      ...((Reflect.getMetadata('imports', type) ?? []) as Import[]),
    ];
    for (const each of imports) await look(each as Import);
  };
  await look(root);
  return names;
}

function isClass(value: unknown): value is Type {
  return typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));
}

function unclear(href: string, what: string, exported: object): NestdawError {
  const names = Object.keys(exported).filter((name) => name !== 'default' && name !== '__esModule');
  return new NestdawError(
    'KAFKA_CONFIG_INVALID',
    `the threads' module ${href} ${what} (exported: ${names.join(', ') || 'nothing'}); export one Nest module there, ` +
      'or name it: KafkaModule.forRoot({ threads: { module, export } })',
  );
}
