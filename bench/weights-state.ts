import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';

/** What one method said of one image at one perturbation. */
export interface Answer {
  readonly kind: 'verified' | 'falsified' | 'unknown' | 'timeout' | 'error';
  readonly seconds: number;
  /** Seconds of processor time, which tell more than the clock on a machine that others use. */
  readonly processor: number;
  /** Linear programs that were solved. */
  readonly programs?: number;
  /** It follows from another answer and was not computed. */
  readonly inferred?: boolean;
  /** A failure was run again from its file, and its weights compared with their bounds. */
  readonly replayed?: boolean;
  /** Most memory that the process had held so far, in MiB. */
  readonly memory?: number;
}

export type Method = 'star' | 'full' | 'complete' | 'wengRange' | 'wengMargin' | 'tsai';
export type Answers = Partial<Record<Method, Answer>>;

/** Folders whose code an answer depends on, and what in them only complete verdicts use. */
const ENGINE = ['base', 'network', 'spec', 'bounds', 'lp', 'weights'];
const VERDICTS = ['attack', 'verify'];
const VERDICTS_ONLY =
  /^(lp\/hull.*|weights\/(hull.*|decide|patch|replay-change|weight-change|direct-attack|tolerance|question)\.ts)$/;

/**
 * Answers by question and image in files that are only added to, one for every state of the source that they depend on: an old answer is never taken for one of
 * today.
 */
export class AnswerState {
  private readonly bounds: string;
  private readonly verdicts: string;
  private readonly all = new Map<string, Answers>();

  /** @param hash of the models */
  constructor(root: string, hash: string, fresh: boolean) {
    const folder = path.join(root, 'bench', '.state');
    mkdirSync(folder, { recursive: true });
    const [bounds, verdicts] = digestsOf(root, hash);
    this.bounds = path.join(folder, `weights-bounds-${bounds}.jsonl`);
    this.verdicts = path.join(folder, `weights-verdicts-${verdicts}.jsonl`);
    for (const file of [this.bounds, this.verdicts]) {
      if (fresh) rmSync(file, { force: true });
      if (!existsSync(file)) continue;
      for (const line of readFileSync(file, 'utf8').split('\n')) {
        const entry = read(line);
        if (entry) this.of(entry.question, entry.image)[entry.method] = entry.answer;
      }
    }
  }

  of(question: string, image: number): Answers {
    const key = `${question} ${image}`;
    let answers = this.all.get(key);
    if (!answers) this.all.set(key, (answers = {}));
    return answers;
  }

  put(question: string, image: number, method: Method, answer: Answer): void {
    this.of(question, image)[method] = answer;
    const file = method === 'complete' ? this.verdicts : this.bounds;
    appendFileSync(file, `${JSON.stringify({ question, image, method, answer })}\n`);
  }
}

interface Entry {
  readonly question: string;
  readonly image: number;
  readonly method: Method;
  readonly answer: Answer;
}

/** A line that the end of a process cut off is no answer. */
function read(line: string): Entry | null {
  try {
    return JSON.parse(line) as Entry;
  } catch {
    return null;
  }
}

/** Of the source that bounds depend on, and of that for verdicts. */
function digestsOf(root: string, hash: string): [string, string] {
  const bounds = createHash('sha256').update(hash);
  const verdicts = createHash('sha256').update(hash);
  for (const folder of [...ENGINE, ...VERDICTS])
    for (const name of readdirSync(path.join(root, 'src', folder), { recursive: true, encoding: 'utf8' }).sort()) {
      if (!name.endsWith('.ts')) continue;
      const file = `${folder}/${name}`;
      const text = readFileSync(path.join(root, 'src', file));
      verdicts.update(file).update(text);
      if (ENGINE.includes(folder) && !VERDICTS_ONLY.test(file)) bounds.update(file).update(text);
    }
  return [bounds.digest('hex').slice(0, 16), verdicts.digest('hex').slice(0, 16)];
}
