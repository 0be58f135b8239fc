import { expect, it } from 'vitest';
import { makeWorkplace } from './workplace';

it('the study of unstable neurons says by which checks regions could be meant', async () => {
  const place = await makeWorkplace();
  const subject = { specification: { path: place.specification } };
  const asked = { subject, method: 'intervals', check: 'less noise' } as const;
  const { answer } = await place.study('unstable-neurons', asked);
  expect(answer).toMatchObject({ ok: true, value: { check: 'less noise', checks: ['noise', 'less noise'] } });
  place.remove();
});
