/** A process that never comes back, under a guard: `node hanging.js FOLDER deadline|memory`. */
import path from 'node:path';
import { startGuard } from '../../../src/engine/guard-handle';

const [folder, reason] = process.argv.slice(2);
const memory = reason === 'memory';
const guard = startGuard(__dirname, { memoryLimit: memory ? 300 * 2 ** 20 : 2 ** 40, endWithParent: false });
guard.order({
  ...(memory ? {} : { deadline: Date.now() + 600 }),
  lastWords: { file: { path: path.join(folder, 'results.txt'), text: 'timeout\n' }, message: 'the limit has passed' },
});
setTimeout(() => {
  const held: Buffer[] = [];
  for (;;) if (memory && held.length < 60) held.push(Buffer.alloc(10 * 2 ** 20, 1));
}, 300);
