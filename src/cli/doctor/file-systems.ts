// Kinds of file systems by the numbers that Linux gives them (statfs), as far as data should not lie on them.

export type Danger = 'memory' | 'network' | 'container';

const KINDS: Readonly<Record<number, readonly [name: string, danger: Danger]>> = {
  16914836: ['tmpfs', 'memory'],
  2240043254: ['ramfs', 'memory'],
  26985: ['NFS', 'network'],
  20859: ['SMB', 'network'],
  4283649346: ['CIFS', 'network'],
  4266872130: ['SMB2', 'network'],
  16914839: ['9P', 'network'],
  12805120: ['Ceph', 'network'],
  198183888: ['Lustre', 'network'],
  18225520: ['GFS2', 'network'],
  1397113167: ['AFS', 'network'],
  1937076805: ['Coda', 'network'],
  1702057286: ['FUSE', 'network'],
  2035054128: ['overlayfs', 'container'],
};

/** What is dangerous about a file system; undefined for those of local disks. */
export function dangerOf(type: number): { readonly name: string; readonly danger: Danger } | undefined {
  // Some versions of Node give the number with its sign.
  const kind = KINDS[type >>> 0];
  return kind && { name: kind[0], danger: kind[1] };
}
