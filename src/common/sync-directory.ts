import { open } from 'node:fs/promises';

/**
 * Makes what was created, renamed or removed in a folder durable. Rejects with the system's error: whoever promised
 * durability has not got it then. Windows cannot open a folder and needs no such thing: its renames are journalled.
 */
export async function syncDirectory(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const directory = await open(folder, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
