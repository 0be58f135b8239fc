import { describe, expect, it } from 'vitest';
import { ok, problem, type Result } from '../../../src/base/result';
import type { Answer } from '../../../src/engine/protocol';
import type { ParamsOf, PartOf, ResultOf } from '../../../src/engine/study-protocols/kinds';
import { PanelStudy } from '../../../src/extension/panel/panel-study';
import type { Studies, StudyWork } from '../../../src/extension/studies';

type Kind = 'unstable-neurons';
type Params = ParamsOf<Kind>;

/** One study that the panel started; the test says what it tells and when it ends. */
interface Started {
  readonly params: Params;
  readonly work: StudyWork<Kind>;
  isStopped: boolean;
  end(answer: Answer<ResultOf<Kind>>): void;
}

/** A panel's study over an engine that does what the test says; everything the panel was told is written down. */
function panel(): { study: PanelStudy; started: Started[]; told: string[] } {
  const started: Started[] = [];
  const told: string[] = [];
  const studies = {
    start: (_: Kind, params: Params, work: StudyWork<Kind>) => {
      let end: Started['end'] = () => undefined;
      const answer = new Promise<Answer<ResultOf<Kind>>>(resolve => (end = resolve));
      const one: Started = { params, work, isStopped: false, end };
      started.push(one);
      const stop = (): Promise<void> => {
        one.isStopped = true;
        one.end({ ok: false, problems: [{ code: 'engine/cancelled', message: 'Stopped.' }] });
        return Promise.resolve();
      };
      return { answer, stop };
    },
  } as unknown as Studies;
  const study: PanelStudy = new PanelStudy(studies, {
    onChange: () => told.push(study.problem ?? (study.busy ? 'began' : 'idle')),
    onProgress: ({ text }) => told.push(text),
  });
  return { study, started, told };
}

function asked(
  study: PanelStudy,
  name: string,
  onPart?: (part: PartOf<Kind>) => void,
  params: Result<Params> = ok({ subject: { specification: { path: name } }, method: 'crown' }),
): Promise<ResultOf<Kind> | null> {
  return study.ask({ kind: 'unstable-neurons', title: name, about: name, params, ...(onPart ? { onPart } : {}) });
}

function answerOf(model: string): ResultOf<Kind> {
  return { model, check: '', checks: [], method: 'crown', layers: [], runs: [], importance: null };
}

const settled = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 0));

describe('the study of a panel', () => {
  it('tells how far it is, and gives its answer', async () => {
    const { study, started, told } = panel();
    const answer = asked(study, 'a');
    await settled();
    started[0]!.work.onProgress?.(0.5, 'half');
    expect(study.busy).toEqual({ fraction: 0.5, text: 'half' });
    started[0]!.end({ ok: true, value: answerOf('a'), warnings: [] });
    expect(await answer).toEqual(answerOf('a'));
    expect(study.busy).toBeNull();
    expect(told).toEqual(['began', 'half']);
  });

  it('is the last one that was asked for: what an earlier one still says is told to nobody', async () => {
    const { study, started, told } = panel();
    const parts: string[] = [];
    const first = asked(study, 'a', () => parts.push('late'));
    await settled();
    const second = asked(study, 'b');
    await settled();
    expect(started.map(each => each.isStopped)).toEqual([true, false]);
    started[0]!.work.onPart?.({ kind: 'layers', layers: [] });
    started[0]!.work.onProgress?.(0.9, 'late');
    started[1]!.end({ ok: true, value: answerOf('b'), warnings: [] });
    expect(await first).toBeNull();
    expect(await second).toEqual(answerOf('b'));
    expect(parts).toEqual([]);
    expect(told).not.toContain('late');
  });

  it('of three asked for at once starts the last alone', async () => {
    const { study, started } = panel();
    const answers = ['a', 'b', 'c'].map(name => asked(study, name));
    await settled();
    expect(started.map(({ params }) => params.subject.specification.path)).toEqual(['c']);
    started[0]!.end({ ok: true, value: answerOf('c'), warnings: [] });
    expect(await Promise.all(answers)).toEqual([null, null, answerOf('c')]);
  });

  it('that makes no sense stops what is at work and says why', async () => {
    const { study, started } = panel();
    void asked(study, 'a');
    await settled();
    const refused = asked(study, 'b', undefined, problem('study/choice', 'The margin is "x".'));
    expect(await refused).toBeNull();
    expect(started).toHaveLength(1);
    expect(started[0]!.isStopped).toBe(true);
    expect([study.busy, study.problem]).toEqual([null, 'The margin is "x".']);
  });

  it('that a person stops is no problem; one that fails is', async () => {
    const { study, started, told } = panel();
    const stopped = asked(study, 'a');
    await settled();
    await study.stop();
    expect(await stopped).toBeNull();
    expect(study.problem).toBeNull();
    const failed = asked(study, 'b');
    await settled();
    started[1]!.end({ ok: false, problems: [{ code: 'model/missing', message: 'The model is gone.' }] });
    expect(await failed).toBeNull();
    expect(told.at(-1)).toBe('The model is gone.');
  });

  it('that was asked for and has not begun can be stopped', async () => {
    const { study, started, told } = panel();
    const answer = asked(study, 'a');
    await study.stop();
    expect(await answer).toBeNull();
    expect(started).toEqual([]);
    expect(told).toEqual(['began', 'idle']);
  });
});
