import type { SetupReport } from '../../engine/protocol';
import { seconds } from '../core/wording';

/** What was found when everything was tried once. */
export interface SetupFacts {
  readonly version: string;
  readonly editor: string;
  readonly platform: string;
  /** `ssh-remote`, `wsl`, …; empty on the person's own machine. */
  readonly remote: string;
  readonly workspace: {
    readonly trusted: boolean;
    /** Why nothing in it can be run; null where there is a folder on a disk. */
    readonly problem: string | null;
  };
  /** Why finished results cannot be kept; null where they can. */
  readonly storageProblem: string | null;
  /** Settings that are not as they came. */
  readonly settings: readonly (readonly [name: string, value: string])[];
  /** Null where nothing may be run. */
  readonly engine:
    | { readonly ok: true; readonly startSeconds: number; readonly report: SetupReport }
    | { readonly ok: false; readonly problem: string }
    | null;
  /** Null where the engine does not run. */
  readonly sample:
    | { readonly ok: true; readonly verdict: string; readonly seconds: number }
    | { readonly ok: false; readonly problem: string }
    | null;
}

interface Line {
  readonly works: boolean | null;
  readonly name: string;
  readonly text: string;
}

/** The facts as Markdown to read and to copy: what works, what does not, and what to do about it. No names of a person's files are in it. */
export function setupReport(facts: SetupFacts): { readonly problems: number; readonly text: string } {
  const lines = linesOf(facts);
  const problems = lines.filter(({ works }) => works === false).length;
  const sign = ({ works }: Line) => (works === null ? '·' : works ? '✓' : '✗');
  const verdict =
    problems === 0
      ? facts.engine
        ? 'Everything works.'
        : 'What could be checked works.'
      : `${problems} ${problems === 1 ? 'thing does' : 'things do'} not work.`;
  const text = [
    '# Certiscope: setup',
    '',
    verdict,
    '',
    ...lines.map(line => `- ${sign(line)} **${line.name}**: ${line.text}`),
    '',
  ].join('\n');
  return { problems, text };
}

function linesOf(facts: SetupFacts): Line[] {
  const { workspace, engine, sample, storageProblem, settings, remote } = facts;
  const known = (name: string, text: string): Line => ({ works: null, name, text });
  const works = (name: string, text: string): Line => ({ works: true, name, text });
  const fails = (name: string, text: string): Line => ({ works: false, name, text });
  return [
    known('Certiscope', facts.version),
    known('Editor', `${facts.editor} on ${facts.platform}${remote === '' ? '' : `, remote: ${remote}`}`),
    workspace.trusted
      ? works('Workspace trust', 'this workspace is trusted')
      : fails(
          'Workspace trust',
          'this workspace is not trusted, so nothing is run. Trust it to verify (Workspaces: Manage Workspace Trust).',
        ),
    workspace.problem === null
      ? works('Workspace', 'a folder on a disk, or none')
      : fails('Workspace', workspace.problem),
    storageProblem === null
      ? works('Storage', 'verdicts and runs can be kept')
      : fails(
          'Storage',
          `verdicts and runs cannot be kept (${storageProblem}). They are shown all the same; free some disk space.`,
        ),
    ...engineLines(engine, works, fails, known),
    ...(sample === null
      ? []
      : [
          sample.ok && sample.verdict === 'verified'
            ? works('Sample', `a digit of the bundled sample was verified in ${seconds(sample.seconds)}`)
            : fails(
                'Sample',
                sample.ok
                  ? `the bundled sample came out as ${sample.verdict}, not verified. Please report it.`
                  : sample.problem,
              ),
        ]),
    known(
      'Settings',
      settings.length === 0 ? 'as they came' : settings.map(([name, value]) => `${name} = ${value}`).join(', '),
    ),
  ];
}

function engineLines(
  engine: SetupFacts['engine'],
  works: (name: string, text: string) => Line,
  fails: (name: string, text: string) => Line,
  known: (name: string, text: string) => Line,
): Line[] {
  if (engine === null) return [known('Engine', 'not started, because nothing may be run here')];
  if (!engine.ok) return [fails('Engine', `${engine.problem} The log has more (Certiscope: Show Log).`)];
  const { parts, node, cores, memoryMegabytes } = engine.report;
  return [
    works('Engine', `answers ${seconds(engine.startSeconds)} after it was asked, on Node ${node}`),
    ...parts.map(({ name, detail, works: loads }) =>
      loads ? works(name, detail) : fails(name, `${detail} Reinstall the extension for this platform.`),
    ),
    known(
      'Machine',
      `${cores} ${cores === 1 ? 'core' : 'cores'}, ${(memoryMegabytes / 1024).toFixed(1)} GiB of memory`,
    ),
  ];
}
