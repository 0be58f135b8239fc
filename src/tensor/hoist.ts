import { assert } from '../base/assert';
import { ok, type Result } from '../base/result';
import { Program, type CompileOptions } from './compile';
import { input, makeNode, type Expression } from './expression';
import { topologicalOrder } from './gradient';

/** Loop-invariant code motion: what does not change between the steps of an iteration is computed once. */

export interface Hoisted<Output extends string> {
  readonly program: Program<'float32', Output>;
  /** To be fed at every run beside the varying inputs. */
  readonly fixed: Readonly<Record<string, Float32Array>>;
}

/**
 * Compiles float32 outputs for many runs in which only the inputs labelled in `varying` change. Everything else is computed here, once, from `feeds`;
 * what the steps need of it becomes an input of theirs.
 */
export async function compileHoisted<Output extends string>(
  outputs: Readonly<Record<Output, Expression>>,
  varying: ReadonlySet<string>,
  feeds: Readonly<Record<string, Float32Array>>,
  options: CompileOptions = {},
): Promise<Result<Hoisted<Output>>> {
  const entries = Object.entries<Expression>(outputs) as [Output, Expression][];
  const { replaced, hoisted } = split(entries.map(([, expression]) => expression), varying); // prettier-ignore
  const steps = Object.fromEntries(entries.map(([label], k) => [label, replaced[k]])) as Record<Output, Expression>;
  const program = await Program.compile('float32', steps, options);
  if (!program.ok) return program;
  const fixed: Record<string, Float32Array> = { ...feeds };
  if (hoisted.size === 0) return ok({ program: program.value, fixed });

  // Used once: rearranging the graph would cost more than it saves.
  const prologue = await Program.compile('float32', Object.fromEntries(hoisted), { ...options, optimization: 'basic' });
  const values = prologue.ok ? await prologue.value.run(feeds) : prologue;
  if (prologue.ok) await prologue.value.close();
  if (!values.ok) {
    await program.value.close();
    return values;
  }
  return ok({ program: program.value, fixed: Object.assign(fixed, values.value) });
}

/** Replaces the largest invariant subexpressions by inputs. */
function split(
  roots: readonly Expression[],
  varying: ReadonlySet<string>,
): { replaced: Expression[]; hoisted: Map<string, Expression> } {
  const changes = new Set<Expression>();
  const rewritten = new Map<Expression, Expression>();
  const hoisted = new Map<string, Expression>();
  const takeOut = (expression: Expression): Expression => {
    const isLeaf = expression.arguments.length === 0;
    // Conditions cannot be fed; they are cheap to compute again from operands that can.
    if (isLeaf || expression.type === 'bool') return isLeaf ? expression : rebuild(expression, expression.arguments.map(takeOut)); // prettier-ignore
    const known = rewritten.get(expression);
    if (known) return known;
    assert(expression.type === 'float32', () => 'only float32 expressions are hoisted');
    const label = `fixed${hoisted.size}`;
    hoisted.set(label, expression);
    const fed = input(label, expression.shape);
    rewritten.set(expression, fed);
    return fed;
  };
  for (const node of topologicalOrder(roots)) {
    const isVarying =
      node.operation.name === 'input'
        ? varying.has(node.operation.label)
        : node.arguments.some(each => changes.has(each));
    if (!isVarying) continue;
    changes.add(node);
    if (node.arguments.length === 0) continue;
    rewritten.set(node, rebuild(node, node.arguments.map(each => (changes.has(each) ? (rewritten.get(each) ?? each) : takeOut(each))))); // prettier-ignore
  }
  return { replaced: roots.map(root => (changes.has(root) ? (rewritten.get(root) ?? root) : takeOut(root))), hoisted };
}

function rebuild(node: Expression, args: readonly Expression[]): Expression {
  return args.every((each, k) => each === node.arguments[k])
    ? node
    : makeNode(node.operation, args, node.shape, node.type);
}
