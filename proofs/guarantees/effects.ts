import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { type Arena } from './arena.js';
import { type Effect } from './guarantee.js';

// Where applications leave their effects: a table, or the lines of a file.

export async function createEffectsTable(arena: Arena): Promise<void> {
  await query(arena, 'CREATE TABLE effects (id TEXT NOT NULL, at BIGINT NOT NULL)');
}

export async function effectsInTable(arena: Arena): Promise<Effect[]> {
  const rows = await query(arena, 'SELECT id, at FROM effects ORDER BY at');
  return rows.map(({ id, at }) => ({ id: String(id), at: Number(at) }));
}

export function effectsInFile(arena: Arena): Promise<Effect[]> {
  const effects = arena.lines('effects.txt').map((line) => {
    const [id, at] = line.split(' ') as [string, string];
    return { id, at: Number(at) };
  });
  return Promise.resolve(effects);
}

/** Finds messages that had their first effect behind a later one of their key; the load takes its keys in turn. */
export const outOfOrder =
  (keys: number) =>
  (effects: readonly Effect[]): string[] => {
    const seen = new Set<string>();
    const last = new Map<number, number>();
    const problems: string[] = [];
    for (const { id } of effects) {
      if (seen.has(id)) continue;
      seen.add(id);
      const number = Number(id.slice(2));
      const key = number % keys;
      const before = last.get(key) ?? -1;
      if (number < before) problems.push(`${id} came behind m-${before}, and must not`);
      else last.set(key, number);
    }
    return problems;
  };

/** A server that was killed takes a moment. */
async function query(arena: Arena, sql: string): Promise<Array<Record<string, unknown>>> {
  for (let tries = 1; ; tries++) {
    const client = new pg.Client(arena.postgres);
    client.on('error', () => undefined);
    try {
      await client.connect();
      return (await client.query(sql)).rows;
    } catch (error) {
      if (tries > 50) throw error;
      await delay(100);
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}
