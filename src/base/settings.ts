/**
 * Every setting of the editor, in one table: `npm run settings` writes package.json's configuration and docs/settings.md from it, the extension reads
 * values by its names and types, and the command line takes the help of the options that mean the same from here. At most twenty.
 */

interface Common {
  /** What it does, in Markdown: the settings editor and docs/settings.md show it. */
  readonly text: string;
  /** The option of `certiscope verify` that means the same, and its help in plain words. */
  readonly option?: { readonly name: string; readonly help: string };
  /** Belongs to the machine rather than to a project, and is not taken from a workspace that is not trusted. */
  readonly machine?: true;
}

interface NumberSetting extends Common {
  readonly type: 'number' | 'integer';
  readonly default: number;
  readonly minimum: number;
}

interface SwitchSetting extends Common {
  readonly type: 'boolean';
  readonly default: boolean;
}

interface ChoiceSetting extends Common {
  readonly type: 'string';
  readonly default: string;
  /** What can be chosen, each with what it means. */
  readonly choices: Readonly<Record<string, string>>;
}

export type Setting = NumberSetting | SwitchSetting | ChoiceSetting;

/** In the order in which they are shown. */
export const SETTINGS = {
  timeout: {
    type: 'number',
    default: 60,
    minimum: 1,
    text: 'Seconds for one property of a VNN-LIB file. A perturbation specification says so itself, in `solver.timeout`.',
    option: { name: 'timeout', help: 'Wall-clock seconds for each question.' },
  },
  quickTimeout: {
    type: 'number',
    default: 2,
    minimum: 0.1,
    text: 'Seconds for one question of a *Quick* run: bounds of the whole region and a short attack. What they leave open ends as `unknown`.',
  },
  threads: {
    type: 'integer',
    default: 0,
    minimum: 0,
    machine: true,
    text: 'Threads of the engine; counts for every specification. `0` leaves it to the specification, and to every core where that says nothing.',
    option: { name: 'threads', help: 'Threads; 0 takes all cores.' },
  },
  memoryLimit: {
    type: 'integer',
    default: 4096,
    minimum: 512,
    machine: true,
    text: 'Memory of the engine in MiB. A run that needs more ends as `unknown` and says so; the editor is not affected.',
    option: { name: 'memory', help: 'Memory ceiling; a question that needs more ends as unknown.' },
  },
  seed: {
    type: 'integer',
    default: 1,
    minimum: 0,
    text: 'Seed of the search on a VNN-LIB file: the same seed finds the same counterexample. A perturbation specification says so itself, in `solver.seed`.',
    option: { name: 'seed', help: 'Seed of everything random.' },
  },
  cacheLimit: {
    type: 'integer',
    default: 500,
    minimum: 10,
    machine: true,
    text: 'Size in MiB of the verdict cache of a workspace. What was used longest ago goes first.',
  },
  historyRuns: {
    type: 'integer',
    default: 200,
    minimum: 1,
    machine: true,
    text: 'Runs that the history keeps. The oldest goes first; a pinned run stays.',
  },
  historyLimit: {
    type: 'integer',
    default: 500,
    minimum: 10,
    machine: true,
    text: 'Size in MiB of the history of a workspace. The oldest runs go first; a pinned run stays.',
  },
  codeLens: {
    type: 'boolean',
    default: true,
    text: 'Show the state and *Run* above every property of a specification.',
  },
  fileDecorations: {
    type: 'boolean',
    default: true,
    text: 'Mark models and specifications in the Explorer by how their questions stand: ✓ verified, ✗ falsified, ? undecided, ~ stale.',
  },
  quickBounds: {
    type: 'string',
    default: 'afterFirstRun',
    choices: {
      afterFirstRun: 'Once you have asked for something with a specification: run it, stepped its ε, or opened *Tune*.',
      always: 'Whenever a specification is open.',
      off: 'Never while typing; *Tune* still answers.',
    },
    text: 'When the hint beside ε is computed while you type: certified bounds of one sample, in a small process of its own.',
  },
  openCounterexample: {
    type: 'string',
    default: 'ask',
    choices: {
      ask: 'A notification offers it.',
      always: 'It opens beside the editor; the focus stays where it is.',
      never: 'Only on request.',
    },
    text: 'What happens with the counterexample when a run that you started falsifies a property.',
  },
  languageModelTools: {
    type: 'boolean',
    default: true,
    text: 'Let language models of the editor ask what `certiscope mcp` answers. They ask you before anything is run, and never in a workspace that is not trusted.',
  },
} as const satisfies Readonly<Record<string, Setting>>;

export type SettingName = keyof typeof SETTINGS;

type Widened<S extends Setting> = S extends ChoiceSetting
  ? Extract<keyof S['choices'], string>
  : S extends SwitchSetting
    ? boolean
    : number;

/** What a setting's value is in TypeScript. */
export type SettingValue<N extends SettingName> = Widened<(typeof SETTINGS)[N]>;
