import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isDecided, type Outcome } from './vnncomp-rows';

/** The outcomes of a set, kept as they come, so that an interrupted bench goes on where it was. */
export class State {
  private readonly file: string;
  private readonly outcomes: Record<string, Outcome>;

  /** `keep`: what another build has decided counts too. */
  constructor(
    folder: string,
    set: string,
    private readonly build: string,
    { fresh, keep }: { readonly fresh: boolean; readonly keep: boolean },
  ) {
    mkdirSync(folder, { recursive: true });
    this.file = path.join(folder, `${set}.json`);
    const stored =
      existsSync(this.file) && !fresh ? (JSON.parse(readFileSync(this.file, 'utf8')) as Record<string, Outcome>) : {};
    const usable = Object.entries(stored).filter(([, outcome]) => outcome.build === build || keep);
    this.outcomes = Object.fromEntries(usable);
  }

  /** What is known of an instance, at whatever limit. */
  get(name: string): Outcome | undefined {
    return this.outcomes[name];
  }

  /** Whether a run with this limit and so many cores could tell more. */
  isOpen(name: string, limit: number, cores: number): boolean {
    const known = this.get(name);
    if (known === undefined) return true;
    const isLonger = known.limit < limit || known.cores < cores;
    return !isDecided(known.verdict) && (isLonger || known.build !== this.build);
  }

  set(name: string, outcome: Outcome): void {
    this.outcomes[name] = outcome;
    writeFileSync(this.file, JSON.stringify(this.outcomes));
  }
}

/** Tells builds of the command line apart. */
export function buildHash(dist: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(dist).sort())
    if (/^(cli|engine|search-worker|neuron-worker|guard)\.js$|\.wasm$/.test(name))
      hash.update(readFileSync(path.join(dist, name)));
  return hash.digest('hex').slice(0, 12);
}
