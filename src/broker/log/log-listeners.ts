// Who is told when a log changes: its manager, and whoever waits for it.

export type LogChange = 'append' | 'start' | 'closed';
export type LogListener<L> = (log: L, change: LogChange) => void;
