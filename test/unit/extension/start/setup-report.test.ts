import { describe, expect, it } from 'vitest';
import { setupReport, type SetupFacts } from '../../../../src/extension/start/setup-report';

const FACTS: SetupFacts = {
  version: '0.1.0',
  editor: 'Code 1.100.0',
  platform: 'linux x64',
  remote: '',
  workspace: { trusted: true, problem: null },
  storageProblem: null,
  settings: [],
  engine: {
    ok: true,
    startSeconds: 0.4,
    report: {
      parts: [{ name: 'HiGHS', detail: '1.15.1', works: true }],
      node: 'v20.1.0',
      cores: 8,
      memoryMegabytes: 16384,
    },
  },
  sample: { ok: true, verdict: 'verified', seconds: 0.02 },
};

describe('the report on the setup', () => {
  it('says that everything works, with versions', () => {
    const { problems, text } = setupReport(FACTS);
    expect(problems).toBe(0);
    expect(text).toContain('Everything works.');
    for (const part of ['0.1.0', 'Code 1.100.0', 'HiGHS**: 1.15.1', '8 cores, 16.0 GiB', 'verified in 0.02 s'])
      expect(text).toContain(part);
    expect(text).not.toContain('✗');
  });

  it('counts what does not work, and says of each what to do', () => {
    const { problems, text } = setupReport({
      ...FACTS,
      workspace: { trusted: false, problem: 'this workspace is virtual.' },
      storageProblem: 'EACCES',
      engine: null,
      sample: null,
    });
    expect(problems).toBe(3);
    expect(text).toContain('3 things do not work.');
    expect(text).toMatch(/not trusted.*Manage Workspace Trust/);
    expect(text).toMatch(/EACCES.*free some disk space/);
    expect(text).toContain('not started');
  });

  it('an engine part that does not load, and a sample that is not verified, are problems', () => {
    const { problems, text } = setupReport({
      ...FACTS,
      engine: {
        ok: true,
        startSeconds: 1,
        report: {
          parts: [{ name: 'ONNX Runtime', detail: 'no binary for this platform.', works: false }],
          node: 'v20',
          cores: 1,
          memoryMegabytes: 1024,
        },
      },
      sample: { ok: true, verdict: 'timeout (Not decided within 20 s.)', seconds: 20 },
    });
    expect(problems).toBe(2);
    expect(text).toMatch(/✗ \*\*ONNX Runtime\*\*.*Reinstall/);
    expect(text).toMatch(/✗ \*\*Sample\*\*.*timeout/);
    expect(text).toContain('1 core,');
  });
});
