import { element, type Child } from '../kit/dom';
import { badge, button } from '../kit/toolkit';
import { fillOf, valueOfTree, valueText, type Colouring, type Scale } from './colouring';
import type { Look } from './drawing';
import { kindOf, shapeText } from './graph';
import { contents, leavesOf, type Tree } from './hierarchy';
import type { ShownModel } from './protocol';

/** The two lines of a box that is not coloured by a number. */
export function textsOf(tree: Tree): readonly [title: string, small: string] {
  if (tree.kind === 'group') return [tree.name, `${tree.last - tree.first + 1} nodes: ${contents(tree, 2)}`];
  const { vertex } = tree;
  if (vertex.kind !== 'node') return [`${vertex.operator} ${vertex.name}`, ''];
  return [vertex.operator, tree.name];
}

/** How a box looks, and what is said of it. */
export function lookOf(tree: Tree, colouring: Colouring | null, scale: Scale | null): Look {
  const [heading, name] = textsOf(tree);
  const value = colouring && valueOfTree(colouring, tree);
  const number = value !== null && colouring ? `${colouring.label}: ${valueText(value, colouring.format)}` : '';
  const isUnsupported = [...leavesOf(tree)].some(({ vertex }) => vertex.node?.supported === false);
  const shapes = tree.kind === 'leaf' ? tree.vertex.makes.map(({ shape }) => shapeText(shape)).join(', ') : '';
  const kind = kindOfTree(tree);
  const spoken = [
    tree.kind === 'group' ? `Group ${tree.name}, ${name}` : `${heading} ${name}`.trim(),
    shapes === '' ? '' : `makes ${shapes}`,
    number,
    isUnsupported ? 'not supported' : '',
  ];
  const classes = [
    kind,
    isUnsupported && 'unsupported',
    colouring && value === null && kind !== 'boundary' && 'unknown',
  ];
  return {
    title: isUnsupported ? `⚠ ${heading}` : heading,
    small: value !== null && colouring ? valueText(value, colouring.format) : name,
    spoken: spoken.filter(part => part !== '').join('; '),
    classes: classes.filter(Boolean).join(' '),
    fill: value !== null && scale ? fillOf(scale, value) : null,
  };
}

function kindOfTree(tree: Tree): string {
  if (tree.kind === 'group') return 'group';
  return tree.vertex.kind === 'node' ? kindOf(tree.vertex.operator) : 'boundary';
}

/** The head of the page: which model, whether it can be verified, and what can be done with it. */
export function titleOf(shown: ShownModel, act: (command: string) => void): readonly Child[] {
  const { name, folder, structure, problem, actions, notRunning } = shown;
  const trouble = structure?.info.problem;
  const actionButtons = actions.map(({ command, label }, k) => {
    const made = button({ label, kind: k === 0 ? 'primary' : 'secondary', onClick: () => act(command) });
    made.dataset['focus'] = `act ${k}`;
    return made;
  });
  return [
    element('h1', {}, name, folder === '' ? null : element('span', { class: 'quiet' }, ` ${folder}`)),
    structure && standing(structure),
    structure && badge(`${structure.info.nodes.length.toLocaleString('en')} nodes`),
    element('span', { class: 'actions' }, ...actionButtons),
    notRunning !== null && element('span', { class: 'quiet' }, notRunning),
    problem !== null && element('p', { class: 'note problem', role: 'alert' }, problem),
    trouble && element('p', { class: 'note problem', role: 'alert' }, trouble.message),
  ];
}

function standing({ info }: NonNullable<ShownModel['structure']>): HTMLElement {
  const unsupported = info.nodes.filter(node => !node.supported).length;
  if (!info.problem && unsupported === 0) return element('span', { class: 'state good' }, '✓ can be verified');
  const words = info.problem
    ? 'cannot be verified'
    : `${unsupported} ${unsupported === 1 ? 'node is' : 'nodes are'} not supported`;
  return element('span', { class: 'state bad' }, `✗ ${words}`);
}
