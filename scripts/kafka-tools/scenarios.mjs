import { admin } from './admin.mjs';
import { configs } from './configs.mjs';
import { files } from './files.mjs';
import { groups } from './groups.mjs';
import { records } from './records.mjs';
import { topics } from './topics.mjs';

// In this order, each building on what those before left.

export const scenarios = { topics, configs, records, groups, admin, files };
