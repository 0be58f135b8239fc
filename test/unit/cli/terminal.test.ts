import { describe, expect, it } from 'vitest';
import { problemLine } from '../../../src/cli/problems';
import { ProgressLine, progressText, Style, wantsColour, type Output } from '../../../src/cli/terminal';
import type { Progress } from '../../../src/verify/progress';

const PROGRESS: Progress = {
  phase: 'branching',
  lowerBound: -0.12345,
  bestAttack: 0.5,
  openSubproblems: 1204,
  subproblems: 4000,
  depth: 9,
  disjunct: null,
  workFraction: 0.25,
  elapsedSeconds: 12,
};

class Terminal implements Output {
  readonly isTTY = true;
  readonly columns = 40;
  text = '';

  write(text: string): void {
    this.text += text;
  }
}

describe('the progress line', () => {
  it('says how far it is, the bound, what is open and the time left', () => {
    expect(progressText('prop_3', 0, 1, 116, PROGRESS)).toBe(
      '[#####               ]  25 %  branching  bound -0.1235  1204 open, depth 9  12 s, about 36 s left  prop_3',
    );
  });

  it('names the limit where it cannot tell the time left, or that is beyond it', () => {
    expect(progressText('prop_3', 0, 1, 116, { ...PROGRESS, workFraction: 0, lowerBound: null })).toBe(
      '[                    ]   0 %  branching  1204 open, depth 9  12 s of 116 s  prop_3',
    );
    expect(progressText('prop_3', 0, 1, 20, { ...PROGRESS, label: 3 })).toContain('  class 3: 1204 open, depth 9  ');
    expect(progressText('prop_3', 0, 1, 20, PROGRESS)).toContain('12 s of 20 s');
    expect(progressText('noise, sample 7', 7, 100, 20, { ...PROGRESS, phase: 'attack' })).toContain(
      '  8/100  attack  ',
    );
  });

  it('stays on one line and leaves nothing behind', () => {
    const terminal = new Terminal();
    const line = new ProgressLine(terminal, true);
    line.show('prop_3', 0, 1, 116, PROGRESS);
    expect(terminal.text).toHaveLength('\r\u001b[K'.length + 39);
    line.clear();
    line.clear();
    expect(terminal.text.split('\r\u001b[K')).toHaveLength(3);
  });

  it('is not there without a terminal', () => {
    const terminal = new Terminal();
    const line = new ProgressLine(terminal, false);
    line.show('prop_3', 0, 1, 116, PROGRESS);
    line.clear();
    expect(terminal.text).toBe('');
  });
});

describe('colour', () => {
  it('is for terminals whose user has not refused it', () => {
    const { NO_COLOR } = process.env;
    try {
      delete process.env.NO_COLOR;
      expect([wantsColour(new Terminal()), wantsColour({ write: () => undefined })]).toEqual([true, false]);
      process.env.NO_COLOR = '1';
      expect(wantsColour(new Terminal())).toBe(false);
    } finally {
      if (NO_COLOR === undefined) delete process.env.NO_COLOR;
      else process.env.NO_COLOR = NO_COLOR;
    }
  });

  it('changes no text', () => {
    expect(new Style(false).verdict('verified', 'verified')).toBe('verified');
    expect(new Style(true).verdict('verified', 'verified')).toBe('\u001b[32mverified\u001b[0m');
  });
});

describe('a problem on one line', () => {
  const range = { start: { line: 2, character: 4 }, end: { line: 2, character: 9 } };

  it.each([
    [{ code: 'c', message: 'Nothing is there.' }, 'Nothing is there.'],
    [{ code: 'c', message: 'A comma\n  is missing.', file: 'a.jsonc', range }, 'a.jsonc:3:5: A comma is missing.'],
    [{ code: 'c', message: 'a.onnx: there is no such file.', file: 'a.onnx' }, 'a.onnx: there is no such file.'],
    [{ code: 'c', message: 'a.onnx is empty.', file: 'a.onnx' }, 'a.onnx: this file is empty.'],
    [
      { code: 'c', message: 'Looks odd.', file: 'a.jsonc', range, severity: 'warning' as const },
      'a.jsonc:3:5: warning: Looks odd.',
    ],
  ])('%#', (problem, line) => expect(problemLine(problem)).toBe(line));
});
