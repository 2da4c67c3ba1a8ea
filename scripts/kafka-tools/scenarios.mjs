import { admin } from './admin.mjs';
import { configs } from './configs.mjs';
import { directories } from './directories.mjs';
import { files } from './files.mjs';
import { groups } from './groups.mjs';
import { compaction, records } from './records.mjs';
import { topics } from './topics.mjs';
import { transactionsScenario as transactions } from './transactions.mjs';

// In this order, each building on what those before left.

export const scenarios = { topics, configs, records, groups, compaction, transactions, admin, files, directories };
