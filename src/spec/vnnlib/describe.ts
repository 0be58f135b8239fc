import type { Box, Constraint, Disjunct } from '../question';
import { variableName, type VnnlibDocument } from './document';

/** More boxes, alternatives or relations than these are counted, not listed. */
const LISTED_INPUTS = 5;
const LISTED_RELATIONS = 4;
const LISTED_ALTERNATIVES = 3;

/**
 * What the file claims, in plain words and not as its negation: "for every input with X_0 in [0.6, 0.68] …, Y_0 stays below 3.99". Long files
 * are shortened.
 */
export function describe(document: VnnlibDocument): string {
  const { disjuncts } = document.question;
  const boxes = [...new Set(disjuncts.map(disjunct => disjunct.box))];
  const names: Names = {
    input: index => variableName(document, 'input', index),
    output: index => variableName(document, 'output', index),
    outputs: document.question.outputSize,
  };
  const perBox = boxes.map(box => disjuncts.filter(disjunct => disjunct.box === box));
  const [first] = perBox;
  const claim = perBox.every(own => sameRelations(own, first))
    ? claimOf(first, names)
    : `none of ${disjuncts.length} unsafe conditions is met, the first of them being that ${conjunction(disjuncts[0].constraints, names)}`;
  return `for every input ${region(boxes, names)}, ${claim}`;
}

interface Names {
  input(index: number): string;
  output(index: number): string;
  readonly outputs: number;
}

function region(boxes: readonly Box[], names: Names): string {
  if (boxes.length > 1) return `in any of ${boxes.length} boxes`;
  const [{ lowerPoint, upperPoint }] = boxes;
  const size = lowerPoint.length;
  let fixed = 0;
  let width = 0;
  for (let i = 0; i < size; i++) {
    if (lowerPoint[i] === upperPoint[i]) fixed++;
    width = Math.max(width, upperPoint[i] - lowerPoint[i]);
  }
  if (size > LISTED_INPUTS) {
    const still = fixed === 0 ? '' : `, ${fixed} of them fixed`;
    return `of the box (${size} inputs${still}, intervals up to ${number(width)} wide)`;
  }
  const intervals = Array.from(lowerPoint, (low, i) => {
    const high = upperPoint[i];
    return low === high
      ? `${names.input(i)} = ${number(low)}`
      : `${names.input(i)} in [${number(low)}, ${number(high)}]`;
  });
  return `with ${listed(intervals, 'and')}`;
}

/** The claim that none of the disjuncts of one box happens. */
function claimOf(disjuncts: readonly Disjunct[], names: Names): string {
  const rows = disjuncts.map(disjunct => disjunct.constraints);
  if (rows.some(constraints => constraints.length === 0))
    return 'nothing is claimed: the whole region counts as unsafe';
  return orderClaim(rows, names) ?? extremeClaim(rows, names) ?? gapClaim(rows, names) ?? generalClaim(rows, names);
}

/** One relation per disjunct, each y_t against another output: "Y_3 stays larger than every other output". */
function orderClaim(rows: readonly (readonly Constraint[])[], names: Names): string | undefined {
  if (rows.some(constraints => constraints.length !== 1)) return undefined;
  const common = commonOutput(rows.map(([constraint]) => constraint));
  if (!common) return undefined;
  const { output, smaller, others, strict } = common;
  // the unsafe relation y_t ≤ y_j is denied by y_t > y_j
  const relation = smaller
    ? strict
      ? 'at least as large as'
      : 'larger than'
    : strict
      ? 'at most as large as'
      : 'smaller than';
  const rest =
    others.length === names.outputs - 1 && others.length > 1
      ? 'every other output'
      : shortList(others.map(names.output));
  return `${names.output(output)} stays ${relation} ${rest}`;
}

/** One disjunct that says y_t is first or last of all: "Y_0 is never the smallest output". */
function extremeClaim(rows: readonly (readonly Constraint[])[], names: Names): string | undefined {
  if (rows.length !== 1 || rows[0].length < 2) return undefined;
  const common = commonOutput(rows[0]);
  if (!common || common.others.length !== names.outputs - 1) return undefined;
  return `${names.output(common.output)} is never the ${common.smaller ? 'smallest' : 'largest'} output`;
}

/** One disjunct that confines one output: "Y_0 never lies between 491.39 and 600.588". */
function gapClaim(rows: readonly (readonly Constraint[])[], names: Names): string | undefined {
  if (rows.length !== 1 || rows[0].length !== 2) return undefined;
  const [a, b] = rows[0].map(singleOutput);
  if (!a || !b || a.output !== b.output || a.sign === b.sign) return undefined;
  const [low, high] = a.sign < 0 ? [a.limit, b.limit] : [b.limit, a.limit];
  return `${names.output(a.output)} never lies between ${number(low)} and ${number(high)}`;
}

function generalClaim(rows: readonly (readonly Constraint[])[], names: Names): string {
  if (rows.every(constraints => constraints.length === 1)) {
    return shortList(rows.map(([constraint]) => denied(constraint, names)));
  }
  const never = `it never happens that ${conjunction(rows[0], names)}`;
  if (rows.length > LISTED_ALTERNATIVES)
    return `none of ${rows.length} unsafe conditions is met; by the first, ${never}`;
  return [never, ...rows.slice(1).map(constraints => conjunction(constraints, names))].join(', nor that ');
}

interface CommonOutput {
  readonly output: number;
  /** The relations say that it is the smaller one (y_t ≤ y_j). */
  readonly smaller: boolean;
  readonly others: readonly number[];
  readonly strict: boolean;
}

/** The output that all relations compare with another one, when there is one and they all point the same way. */
function commonOutput(constraints: readonly Constraint[]): CommonOutput | undefined {
  const pairs = constraints.map(orderedPair);
  const { strict } = constraints[0];
  if (pairs.includes(undefined) || constraints.some(constraint => constraint.strict !== strict)) return undefined;
  const known = pairs as { small: number; large: number }[];
  for (const smaller of [true, false]) {
    const output = smaller ? known[0].small : known[0].large;
    if (!known.every(pair => (smaller ? pair.small : pair.large) === output)) continue;
    return { output, smaller, others: [...new Set(known.map(pair => (smaller ? pair.large : pair.small)))], strict };
  }
  return undefined;
}

/** small ≤ large, if that is all a constraint says. */
function orderedPair({ outputs, inputs, bound }: Constraint): { small: number; large: number } | undefined {
  if (inputs.index.length > 0 || outputs.index.length !== 2 || bound !== 0) return undefined;
  const [a, b] = outputs.value;
  if (a !== -b) return undefined;
  return a > 0
    ? { small: outputs.index[0], large: outputs.index[1] }
    : { small: outputs.index[1], large: outputs.index[0] };
}

/** sign·y ≤ sign·limit, if that is all a constraint says. */
function singleOutput({
  outputs,
  inputs,
  bound,
}: Constraint): { output: number; sign: number; limit: number } | undefined {
  if (inputs.index.length > 0 || outputs.index.length !== 1 || Math.abs(outputs.value[0]) !== 1) return undefined;
  const sign = outputs.value[0];
  return { output: outputs.index[0], sign, limit: sign * bound };
}

/** A constraint as the file means it: "Y_0 ≤ Y_1". */
function written(constraint: Constraint, names: Names): string {
  return relation(constraint, names, constraint.strict ? '<' : '≤', constraint.strict ? '>' : '≥');
}

/** What holds when the constraint does not: "Y_0 stays above Y_1". */
function denied(constraint: Constraint, names: Names): string {
  const single = singleOutput(constraint);
  if (!single) return relation(constraint, names, constraint.strict ? '≥' : '>', constraint.strict ? '≤' : '<');
  const word =
    single.sign > 0 ? (constraint.strict ? 'at or above' : 'above') : constraint.strict ? 'at or below' : 'below';
  return `${names.output(single.output)} stays ${word} ${number(single.limit)}`;
}

/** `forward` for left-to-right order, `backward` where the sign was turned to read better. */
function relation(constraint: Constraint, names: Names, forward: string, backward: string): string {
  const pair = orderedPair(constraint);
  if (pair) return `${names.output(pair.small)} ${forward} ${names.output(pair.large)}`;
  const single = singleOutput(constraint);
  if (single) return `${names.output(single.output)} ${single.sign > 0 ? forward : backward} ${number(single.limit)}`;
  const terms = [
    ...Array.from(constraint.outputs.index, (index, k) => ({
      value: constraint.outputs.value[k],
      name: names.output(index),
    })),
    ...Array.from(constraint.inputs.index, (index, k) => ({
      value: constraint.inputs.value[k],
      name: names.input(index),
    })),
  ];
  const shown = terms.slice(0, LISTED_RELATIONS).map(({ value, name }, k) => {
    const sign = value < 0 ? (k === 0 ? '-' : '- ') : k === 0 ? '' : '+ ';
    return `${sign}${Math.abs(value) === 1 ? '' : `${number(Math.abs(value))}·`}${name}`;
  });
  return `${shown.join(' ')}${terms.length > shown.length ? ' + …' : ''} ${forward} ${number(constraint.bound)}`;
}

function conjunction(constraints: readonly Constraint[], names: Names): string {
  return shortList(constraints.map(constraint => written(constraint, names)));
}

function shortList(items: readonly string[]): string {
  if (items.length <= LISTED_RELATIONS) return listed(items, 'and');
  return `${items.slice(0, LISTED_RELATIONS - 1).join(', ')} and ${items.length - LISTED_RELATIONS + 1} more`;
}

function listed(items: readonly string[], word: string): string {
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} ${word} ${items[items.length - 1]}`;
}

function number(value: number): string {
  return String(Number(value.toPrecision(6)));
}

function sameRelations(a: readonly Disjunct[], b: readonly Disjunct[]): boolean {
  const key = (disjuncts: readonly Disjunct[]): string =>
    JSON.stringify(
      disjuncts.map(({ constraints }) =>
        constraints.map(c => [
          [...c.outputs.index],
          [...c.outputs.value],
          [...c.inputs.index],
          [...c.inputs.value],
          c.bound,
          c.strict,
        ]),
      ),
    );
  return a === b || key(a) === key(b);
}
