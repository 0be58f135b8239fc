// What pages do while work goes on and when answers come late: each check is a name and what a person, and the extension, do.
import assert from 'node:assert/strict';
import { SCENES } from './scenes.mjs';

const progress = (fraction, text) => ({ type: 'progress', busy: { fraction, text } });

/** The message of a scene that shows everything, with something else in it. */
function shown(page, state, change, key = 'shown') {
  const message = SCENES[page][state].messages.find(each => each.type === 'show');
  return { ...message, [key]: { ...message[key], ...change } };
}

/** The same element before and after, as the page has it. */
async function staysInPlace(opened, locator, act) {
  await locator.evaluate(each => (window.before = each));
  await act();
  assert.ok(await locator.evaluate(each => each === window.before), 'the element was drawn anew');
}

/** @type {Record<string, (open: (name: string, scene: object) => Promise<import('./page.mjs').TestPage>) => Promise<void>>} */
export const BEHAVIOUR = {
  'progress moves the bar and nothing else: Stop stays under the pointer, and stops': async open => {
    for (const page of ['neurons', 'grafting', 'adversarial', 'patch', 'tolerance']) {
      const opened = await open(page, SCENES[page].busy);
      const stop = opened.page.getByRole('button', { name: 'Stop' });
      await staysInPlace(opened, stop, () => opened.tell(progress(0.6, '24 of 40'), progress(0.7, '28 of 40')));
      await opened.page.getByText('28 of 40').waitFor();
      await stop.click();
      assert.deepEqual(opened.last('stop'), { type: 'stop' });
    }
  },
  'what is typed stays while layers come': async open => {
    const opened = await open('tolerance', SCENES.tolerance.busy);
    const { page } = opened;
    await page.getByText('What is asked').click();
    const field = page.locator('vscode-text-field[aria-label="Magnitudes"] input');
    await field.fill('0.1%, 0.');
    const { report } = SCENES.tolerance.done.messages[0].shown;
    await opened.tell(...report.layers.map(layer => ({ type: 'layer', layer })));
    assert.equal(await field.inputValue(), '0.1%, 0.');
    assert.ok(await field.evaluate(each => each.getRootNode().activeElement === each), 'the focus was taken');
    await page.getByText('First failure').waitFor();
  },
  'what is chosen stays where it is: fields are not drawn anew for what they were made to show': async open => {
    for (const page of ['adversarial', 'patch']) {
      const opened = await open(page, SCENES[page].done);
      await opened.page.getByText('What is asked').click();
      const name = page === 'patch' ? 'Seconds a layer' : 'Seconds an input';
      const field = opened.page.locator(`vscode-text-field[aria-label="${name}"]`);
      await staysInPlace(opened, field, async () => {
        await field.locator('input').fill('5');
        await field.locator('input').press('Enter');
        await opened.tell();
        const { choice } = opened.last('choice');
        assert.equal(choice.seconds, '5');
        const key = page === 'patch' ? 'shown' : 'gallery';
        await opened.tell(shown(page, 'done', { choice }, key));
      });
    }
  },
  'a folded table that was opened stays open when more comes': async open => {
    const opened = await open('grafting', SCENES.grafting.busy);
    await opened.page.getByText('As a table').click();
    const { training } = SCENES.grafting.busy.messages[0].shown;
    const history = [...training.history, { epoch: 4, meanLoss: 0.3, score: 0.9, seconds: 1 }];
    await opened.tell(shown('grafting', 'busy', { training: { ...training, history } }));
    await opened.page.getByRole('row', { name: /epoch 4/ }).waitFor();
  },
  'a slider of the mask stays under the hand that moves it': async open => {
    const opened = await open('grafting', SCENES.grafting.mask);
    const slider = opened.page.getByRole('slider', { name: /Part of the neurons/ });
    await staysInPlace(opened, slider, async () => {
      await slider.focus();
      for (let k = 0; k < 10; k++) await slider.press('ArrowLeft');
      await opened.tell(shown('grafting', 'mask', { busy: { fraction: null, text: 'x' } }));
    });
    await opened.page.getByRole('row', { name: /all 512 205 40\.0 %/ }).waitFor();
  },
  'so does the slider over ε, and it says where it is': async open => {
    const opened = await open('neurons', SCENES.neurons.done);
    const slider = opened.page.getByRole('slider', { name: 'ε' });
    await staysInPlace(opened, slider, async () => {
      await slider.focus();
      await slider.press('ArrowLeft');
      await opened.tell();
    });
    assert.equal(await slider.getAttribute('aria-valuetext'), '0.5/255');
    assert.equal((await opened.kept()).epsilon, '0.5/255');
    await opened.page.getByText(/^88 of 512 neurons/).waitFor();
  },
  'results: an answer to an earlier question is not painted over a later one': async open => {
    const late = [];
    const { messages, answer } = SCENES.results.done;
    const hold = message => {
      if (message.type !== 'details' || message.index === null) return answer(message);
      late.push(answer(message)[0]);
      return [];
    };
    const opened = await open('results', { messages, answer: hold });
    const { page } = opened;
    await page.getByRole('option', { name: /Sample 1\b/ }).click();
    await page.getByRole('option', { name: /Sample 2\b/ }).click();
    await opened.tell();
    await opened.tell(...[...late].reverse());
    await page.getByRole('heading', { name: /^Sample 2/ }).waitFor();
    assert.equal(await page.getByRole('heading', { name: /^Sample 1/ }).count(), 0);
  },
  'results: what a run has ended with is read anew, also of the result that is looked at': async open => {
    const { messages, answer } = SCENES.results.done;
    const opened = await open('results', { messages, answer });
    await opened.page.getByRole('option', { name: /Sample 3\b/ }).click();
    await opened.tell();
    const asked = () => opened.posted.filter(({ type, index }) => type === 'details' && index === 3).length;
    const before = asked();
    await opened.tell(shown('results', 'done', { busy: { fraction: 0.1, text: '', live: null } }));
    await opened.tell(...messages);
    assert.ok(asked() > before);
  },
  'neurons: bounds of another neuron are not painted': async open => {
    const { messages, state } = SCENES.neurons.done;
    const opened = await open('neurons', { messages, state });
    const other = SCENES.neurons.done.answer({ type: 'bounds', epsilon: '1/255', neuron: 3 });
    await opened.tell(...other);
    assert.equal(await opened.page.locator('svg.ranges').count(), 0);
    await opened.tell(...SCENES.neurons.done.answer({ type: 'bounds', epsilon: '1/255', neuron: 77 }));
    await opened.page.locator('svg.ranges').waitFor();
  },
  'keys walk lists, tiles, maps and pictures': async open => {
    const results = await open('results', SCENES.results.done);
    await results.page.getByRole('listbox', { name: 'Results' }).focus();
    for (const key of ['ArrowDown', 'ArrowDown', 'End', 'Home', 'PageDown']) await results.page.keyboard.press(key);
    await results.tell();
    const { index } = await results.kept();
    assert.ok(index > 0 && index < 39);
    assert.ok(await results.page.getByRole('listbox').getAttribute('aria-activedescendant'));

    const gallery = await open('adversarial', SCENES.adversarial.done);
    await gallery.page.getByRole('listbox', { name: 'Adversarial inputs' }).focus();
    for (const key of ['ArrowRight', 'ArrowDown', 'ArrowLeft']) await gallery.page.keyboard.press(key);
    await gallery.tell();
    assert.notEqual((await gallery.kept()).sample, null);

    const neurons = await open('neurons', { ...SCENES.neurons.done, state: undefined });
    await neurons.page.getByRole('application', { name: /Layer relu_1/ }).focus();
    for (const key of ['ArrowRight', 'ArrowDown', 'Enter']) await neurons.page.keyboard.press(key);
    await neurons.page.getByRole('heading', { name: 'relu_1, channel 0, row 1, column 1' }).waitFor();
    await neurons.page.getByText('As a table').first().click();
    await neurons.page
      .getByRole('button', { name: /^relu_\d, channel/ })
      .first()
      .press('Enter');
    await neurons.page.getByRole('heading', { name: /^relu_\d, channel/ }).waitFor();
  },
  'nothing goes blank while neurons are measured anew': async open => {
    const opened = await open('neurons', SCENES.neurons.done);
    await opened.tell(
      shown('neurons', 'done', { stale: true, method: 'intervals', busy: { fraction: null, text: 'x' } }),
    );
    assert.equal(await opened.page.locator('.maps canvas').count(), 2);
    await opened.page.getByText(/numbers are of before/).waitFor();
  },
  'a page comes back where a person was': async open => {
    const first = await open('patch', SCENES.patch.done);
    await first.page.getByRole('button', { name: 'fc_3' }).click();
    const state = await first.kept();
    assert.equal(state.kept.about, '18 adversarial inputs');
    const again = await open('patch', { ...SCENES.patch.done, state });
    await again.page.getByRole('heading', { name: 'fc_3' }).waitFor();
  },
  'a number that is none is taken back': async open => {
    const opened = await open('grafting', SCENES.grafting.mask);
    const field = opened.page.locator('vscode-text-field[aria-label="Epochs"] input');
    await field.fill('many');
    await field.press('Enter');
    await opened.tell();
    assert.equal(await field.inputValue(), '5');
    await field.fill('7');
    await field.press('Enter');
    await opened.tell();
    assert.equal((await opened.kept()).training.epochs, 7);
  },
};
