import { findNodeAtLocation, parseTree, printParseErrorCode, type Node, type ParseError } from 'jsonc-parser';
import { fail, ok, type Problem, type Range, type Result } from '../../base/result';
import { compare, subtract } from '../numbers/rational';
import { writtenInteger } from '../numbers/written';
import { withoutByteOrderMark } from '../text-file';
import { TextLines } from '../text-lines';
import type { Context } from './shape';
import type { Check, PerturbationSpec, SolverSettings, SpecPath } from './spec';
import { specShape, type CheckValues, type SolverValues, type SpecValues, type WeightsMapValues } from './spec-shape';

/**
 * Reads a perturbation spec (JSON with comments and trailing commas).
 * @param file path for the reports
 * @returns the specification, or everything that is wrong with it, each at its characters
 */
export function parsePerturbationSpec(source: string, file: string): Result<PerturbationSpec, Problem[]> {
  const text = withoutByteOrderMark(source);
  const lines = new TextLines(text);
  const problems: Problem[] = [];
  const report = (
    code: string,
    message: string,
    offset: number,
    length: number,
    severity: 'error' | 'warning' = 'error',
  ): void => {
    problems.push({ code, message, severity, file, range: lines.range(offset, offset + length) });
  };
  const syntaxErrors: ParseError[] = [];
  const root = parseTree(text, syntaxErrors, { allowTrailingComma: true });
  if (!root) report('spec/empty', 'The file is empty: nothing is asked of any network.', 0, 0);
  else {
    syntaxErrors.forEach(({ error, offset, length }, k) => {
      const name = printParseErrorCode(error);
      // A word that is no JSON value is reported as such; that the value is then missing is no second mistake.
      const previous = syntaxErrors[k - 1];
      const follows = k > 0 && printParseErrorCode(previous.error) === 'InvalidSymbol' && name === 'ValueExpected';
      // Every brace that is still open at the end is missing at one and the same place.
      const again = k > 0 && previous.error === error && previous.offset === offset;
      if (!follows && !again) report('spec/syntax', SYNTAX[name] ?? 'This is not valid JSON.', offset, length);
    });
  }
  if (!root || problems.length > 0) return fail(problems);

  const context: Context = {
    text,
    report: (code, message, node, severity) => report(code, message, node.offset, node.length, severity),
  };
  const values = specShape.read(root, context);
  const rangeOf = (path: SpecPath): Range => {
    const node = nearestNode(root, path);
    // Nobody wants the whole file underlined: what is missing from it is reported at its opening brace.
    return lines.range(node.offset, node.offset + (node === root ? 1 : node.length));
  };
  const reporter =
    (severity: 'error' | 'warning'): Report =>
    (code, message, path) =>
      problems.push({ code, message, severity, file, range: rangeOf(path) });
  if (values !== undefined) checkSense(values, reporter('error'), reporter('warning'));
  if (values === undefined || problems.some(problem => problem.severity === 'error')) return fail(problems);
  return ok({ kind: 'perturbation', file, text, ...withDefaults(values), warnings: problems, rangeOf });
}

type Report = (code: string, message: string, path: SpecPath) => void;

/** What is wrong although every value by itself is fine. */
function checkSense(values: SpecValues, report: Report, warn: Report): void {
  values.checks.forEach((check, k) => {
    if (check.perturb === 'weights')
      checkWeights(check, (code, message, path) => report(code, message, ['checks', k, ...path]));
    if (check.epsilon?.every(epsilon => epsilon.exact.n === 0n)) {
      report('spec/value', 'Epsilon is 0: nothing is perturbed. Expected a number above 0.', ['checks', k, 'epsilon']);
    }
    if (check.clip && compare(check.clip[0].exact, check.clip[1].exact) > 0) {
      report('spec/clip', `The smallest value ${check.clip[0].text} lies above the largest, ${check.clip[1].text}.`, [
        'checks',
        k,
        'clip',
      ]);
    }
  });
  values.checks.forEach((check, k) =>
    checkUnits(values, check, message => warn('spec/epsilon-units', message, ['checks', k, 'epsilon'])),
  );
  const names = new Map<string, number>();
  values.checks.forEach((check, k) => {
    if (check.name === undefined) return;
    if (names.has(check.name))
      report('spec/duplicate-name', `Another check is called "${check.name}" too; results could not be told apart.`, [
        'checks',
        k,
        'name',
      ]);
    names.set(check.name, k);
  });
  const { property } = values;
  if (property?.kind !== 'linear') return;
  if (property.C.length !== property.d.length) {
    const message = `C has ${property.C.length} rows and d has ${property.d.length} entries; they must be as many.`;
    report('spec/length', message, ['property', 'd']);
  }
  property.C.forEach((row, k) => {
    if (row.length !== property.C[0].length)
      report('spec/length', `Row ${k} has ${row.length} entries, the first row has ${property.C[0].length}.`, [
        'property',
        'C',
        k,
      ]);
  });
}

/** ε in raw values where it is meant after scaling is the most common slip of all: it then covers every value there is. */
function checkUnits({ preprocess }: SpecValues, { epsilon, clip }: CheckValues, warn: (message: string) => void): void {
  if (epsilon?.length !== 1) return;
  const [size] = epsilon;
  const scale = preprocess?.scale;
  const scaled = scale && scale.value < 1 ? `; raw values are multiplied by ${scale.text}` : '';
  // A range that is upside down is a mistake of its own.
  const range = clip && subtract(clip[1].exact, clip[0].exact);
  if (clip && range && range.n > 0n && compare(size.exact, range) >= 0)
    warn(
      `Epsilon ${size.text} reaches from one end of [${clip[0].text}, ${clip[1].text}] to the other. It counts after scaling${scaled}.`,
    );
  else if (!clip && scale && scale.value < 1 && size.value >= 1)
    warn(
      `Epsilon ${size.text} is ${Number((size.value / scale.value).toPrecision(3))} in raw values. It counts after scaling${scaled}.`,
    );
}

type WeightsValues = Extract<CheckValues, { perturb: 'weights' }>;

type ChangeKey = Exclude<keyof WeightsMapValues, 'layer'>;

const SIZES = ['magnitude', 'quantisation', 'bitFlips'] as const;
const PARTS = ['entries', 'pattern', 'outputs', 'map'] as const;

/** What parts of a weights check exclude or need one another. */
function checkWeights(check: WeightsValues, report: (code: string, message: string, path: SpecPath) => void): void {
  if (check.clip && !check.epsilon)
    report('spec/clip', 'Without "epsilon" no input is perturbed: give one, or leave "clip" out.', ['clip']);
  if (!check.maps) {
    const isOneLayer = check.layers?.length === 1;
    checkChange(check, isOneLayer, (code, message, key) => report(code, message, [key ?? 'perturb']));
    return;
  }
  const beside = (['layers', 'of', 'tensor', 'biasMap', 'together', ...SIZES, ...PARTS] as const).find(
    key => check[key] !== undefined,
  );
  if (beside !== undefined)
    report('spec/value', `With "maps", each map says for itself what "${beside}" says; put it there.`, [beside]);
  check.maps.forEach((map, k) =>
    checkChange(map, true, (code, message, key) =>
      report(code, message, key === null ? ['maps', k] : ['maps', k, key]),
    ),
  );
}

/** One change of weights. `key` is null for what is missing. */
function checkChange(
  change: Pick<WeightsMapValues, ChangeKey>,
  isOneLayer: boolean,
  report: (code: string, message: string, key: ChangeKey | null) => void,
): void {
  const given = <K extends ChangeKey>(keys: readonly K[]): K[] => keys.filter(key => change[key] !== undefined);
  const sizes = given(SIZES);
  if (sizes.length === 0)
    report(
      'spec/missing-key',
      'How far the weights may move is missing: give one of "magnitude", "quantisation" and "bitFlips".',
      null,
    );
  if (sizes.length > 1)
    report('spec/value', `"${sizes[0]}" and "${sizes[1]}" both say how far the weights move; keep one.`, sizes[1]);
  const parts = given(PARTS);
  if (parts.length > 1)
    report('spec/value', `"${parts[0]}" and "${parts[1]}" both choose weights; keep one.`, parts[1]);
  if (parts.length > 0 && !isOneLayer)
    report('spec/value', `"${parts[0]}" chooses weights of one layer: name this one layer in "layers".`, parts[0]);
  if (change.map !== undefined && !change.magnitude && sizes.length > 0)
    report('spec/value', 'The entries of a map are multiplied with a magnitude; give one instead.', 'map');
  if (change.of !== undefined && !change.magnitude?.relative)
    report('spec/value', 'The magnitude is no percentage, so it is of nothing; leave "of" out.', 'of');
  if (change.together && change.bitFlips)
    report('spec/value', 'Bits flip in each weight by itself; leave "together" out.', 'together');
  if (change.tensor === 'bias' && change.quantisation)
    report(
      'spec/value',
      'A quantisation is of the weights: its grid is between the smallest and the largest of them. Give the bias a magnitude.',
      'tensor',
    );
  if (change.biasMap !== undefined && !(change.map !== undefined && change.together && change.tensor !== 'bias'))
    report(
      'spec/value',
      'A bias map goes with a "map" of the weights and "together": one number moves both. For the bias by itself give "tensor": "bias" and its "map".',
      'biasMap',
    );
}

function withDefaults(values: SpecValues): Omit<PerturbationSpec, 'kind' | 'file' | 'text' | 'warnings' | 'rangeOf'> {
  const { inputs, preprocess } = values;
  const solver = settingsOf(values.solver);
  return {
    model: values.model,
    inputs: {
      data: inputs.data,
      labels: inputs.labels ?? null,
      select: inputs.select ?? null,
      layout: inputs.layout ?? null,
    },
    preprocess: {
      scale: preprocess?.scale ?? writtenInteger(1),
      mean: preprocess?.mean ?? [writtenInteger(0)],
      std: preprocess?.std ?? [writtenInteger(1)],
      layout: preprocess?.layout ?? 'CHW',
    },
    property: values.property ?? { kind: 'label' },
    classes: values.classes ?? null,
    checks: values.checks.map((check, index): Check => {
      const common = {
        index,
        name: check.name ?? nameFor(values, index),
        solver: { ...solver, ...settingsOf(check.solver) },
      };
      return check.perturb === 'input'
        ? { ...check, ...common, norm: 'inf' }
        : { ...check, ...common, of: check.of ?? 'range' };
    }),
    solver,
  };
}

/** A name for a check without one, different from every name given. */
function nameFor(values: SpecValues, index: number): string {
  const check = values.checks[index];
  const size =
    check.perturb === 'input'
      ? `epsilon ${check.epsilon.length === 1 ? check.epsilon[0].text : 'per feature'}`
      : `weights ${sizeOfChange(check)}`;
  const alike = values.checks.some(
    (other, k) => k !== index && (other.name === size || (other.name === undefined && other.perturb === check.perturb)),
  );
  return alike ? `${size} (check ${index + 1})` : size;
}

function sizeOfChange({ magnitude, quantisation, bitFlips, maps }: WeightsValues): string {
  if (maps) return maps.length === 1 ? 'by a map' : `by ${maps.length} maps`;
  if (magnitude) return magnitude.lower ? `${magnitude.lower.text} to ${magnitude.amount.text}` : magnitude.amount.text;
  return quantisation ? `in ${quantisation.bits} bits` : `with flips of bit ${bitFlips?.flips.join(', ') ?? ''}`;
}

function settingsOf(values: SolverValues | undefined): SolverSettings {
  if (!values) return {};
  const { timeout, backend, labelOrder, guided, soundness, seed, threads } = values;
  return {
    ...(timeout && { timeout: timeout.value }),
    ...(backend && { backend }),
    ...(labelOrder && { labelOrder }),
    ...(guided !== undefined && { guided }),
    ...(soundness && { soundness }),
    ...(seed !== undefined && { seed }),
    ...(threads !== undefined && { threads }),
  };
}

/** The value at a path, or the innermost one on the way to it. */
function nearestNode(root: Node, path: SpecPath): Node {
  for (let length = path.length; length > 0; length--) {
    const node = findNodeAtLocation(root, path.slice(0, length));
    if (node) return node;
  }
  return root;
}

const SYNTAX: Readonly<Record<string, string>> = {
  InvalidSymbol: 'This is no JSON value. Texts and fractions stand in double quotes.',
  InvalidNumberFormat: 'This is not a valid number.',
  PropertyNameExpected: 'Expected a key in double quotes.',
  ValueExpected: 'Expected a value.',
  ColonExpected: 'Expected a colon after the key.',
  CommaExpected: 'Expected a comma before this.',
  CloseBraceExpected: 'A closing brace } is missing.',
  CloseBracketExpected: 'A closing bracket ] is missing.',
  EndOfFileExpected: 'The file should end before this.',
  UnexpectedEndOfComment: 'This comment is never closed.',
  UnexpectedEndOfString: 'This text is never closed: a double quote is missing.',
  UnexpectedEndOfNumber: 'This number is not complete.',
  InvalidEscapeCharacter: 'Unknown escape in a text; write \\\\ for a backslash.',
};
