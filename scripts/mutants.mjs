// Every error term of the bounds, and how it is taken out. `redundant`: why no exact case misses it.
const core = name => `src/bounds/core/assembly/${name}.ts`;
const graph = name => `src/bounds/graph/${name}.ts`;

const term = (file, name, from, to, redundant) => ({
  file,
  name: `${path(file)}: ${name}`,
  edits: [[from, to]],
  ...(redundant ? { redundant } : {}),
});
const path = file => file.split('/').slice(2).join('/').replace('.ts', '');

/** Several terms at once, where each alone is paid for by the others' reserves. */
const together = (file, name, edits) => ({ file, name: `${path(file)}: ${name}`, edits });

// Why some terms can be taken out unnoticed: others keep more in reserve than these cases use up. The proof counts each on its own.
const SPARE = 'gamma(n + 4) of the products keeps four roundings to spare';
const MANY = 'constantsGamma keeps 256 roundings and more to spare';
const CARRIED = 'the products that made the generators have paid more';
const PAID = 'the products through the same neurons have paid as much';
const UNUSED = 'no index occurs twice in a form, so coefficients are exact as stored';

export const MUTANTS = [
  {
    file: core('rounding'),
    name: 'core: UNIT = 0, gamma = 0',
    edits: [['export const UNIT: f64 = 1.1102230246251570e-16;', 'export const UNIT: f64 = 0;']],
  },
  term(core('rounding'), 'gamma = 0', 'return <f64>(n + 1) * UNIT * 1.000001;', 'return 0;'),
  term(core('rounding'), 'gamma of one term', 'return <f64>(n + 1) * UNIT * 1.000001;', 'return UNIT;'),

  term(core('chain'), 'gamma of products', 'const product = gamma(it.size + 4) + it.relativeError', 'const product = it.relativeError'),
  term(core('chain'), 'relative error of weights', 'const product = gamma(it.size + 4) + it.relativeError * 1.000001', 'const product = gamma(it.size + 4)'),
  term(core('chain'), 'rounding of the intercept', '(1 - up) * u) * (1 + 8 * UNIT) + UNDERFLOW', '(1 - up) * u)', MANY),
  term(core('chain'), 'products', 'inflate(product * sum + constants', 'inflate(constants'),
  term(core('chain'), 'biases in the constant', '+ constants * abs(b) +', '+'),
  term(core('chain'), 'error of biases', '+ load<f64>(it.biasError + at) + 2 * UNIT * width', '+ 2 * UNIT * width'),
  term(core('chain'), 'rounding of slopes', ' + 2 * UNIT * width),', '),', SPARE),

  term(core('crown'), 'errors of activations', 'error = f64x2.add(error, f64x2.mul(f64x2.abs(scaled), v128.load(it.errorWeight + at)));', ''),
  term(core('crown'), 'errors of the last layer', 'error = f64x2.add(error, f64x2.mul(f64x2.abs(a), v128.load(it.errorWeight + at)));', ''),
  term(core('crown'), 'sum of intercepts', '+\n      constantsGamma() * abs(intercepts)', '', PAID),
  term(core('crown'), 'errors collected', 'inflate(load<f64>(errors + slot) + 4 * UNIT * abs(constant))', 'inflate(4 * UNIT * abs(constant))'),
  term(core('crown'), 'last rounding of the constant', 'inflate(load<f64>(errors + slot) + 4 * UNIT * abs(constant))', 'inflate(load<f64>(errors + slot))', MANY),
  term(core('crown'), 'sum over inputs', 'inflate(product * magnitude + 2', 'inflate(2'),
  term(core('crown'), 'last rounding of the bound', 'product * magnitude + 2 * UNIT * (abs(total) + abs(certified))', 'product * magnitude', SPARE),
  term(core('crown'), 'neurons: relative error of weights', 'inflate(product * sum + load<f64>(it.biasError + at) + constantsGamma() * abs(b))', 'inflate(load<f64>(it.biasError + at) + constantsGamma() * abs(b))'),
  term(core('crown'), 'neurons: error of biases', 'inflate(product * sum + load<f64>(it.biasError + at) + constantsGamma() * abs(b))', 'inflate(product * sum + constantsGamma() * abs(b))'),
  term(core('crown'), 'neurons: biases in the constant', 'inflate(product * sum + load<f64>(it.biasError + at) + constantsGamma() * abs(b))', 'inflate(product * sum + load<f64>(it.biasError + at))', MANY),
  term(core('crown'), 'error of coefficients', 'load<f64>(coefficientErrors + (<usize>index << 3)) + 2 * UNIT', '2 * UNIT'),
  term(core('crown'), 'rounding of coefficients', 'load<f64>(coefficientErrors + (<usize>index << 3)) + 2 * UNIT', 'load<f64>(coefficientErrors + (<usize>index << 3))', UNUSED),
  term(core('crown'), 'bound in the constant', 'let error = constantsGamma() * abs(bound);', 'let error: f64 = 0;', SPARE),
  term(core('crown'), 'coefficients of outputs', 'error += relative * abs(load<f64>(source + (<usize>i << 3))) * load<f64>(it.magnitude + (<usize>i << 3));', 'continue;'),
  term(core('crown'), 'coefficients of inputs', 'error += relative * abs(load<f64>(inputRow + (<usize>i << 3))) * load<f64>(inputs.magnitude + (<usize>i << 3));', 'continue;'),
  term(core('crown'), 'sum with the coefficients of inputs', 'load<f64>(errors + slot) + 2 * UNIT * size', 'load<f64>(errors + slot)', SPARE),

  term(core('zonotope'), 'radius of inputs', 'const half = max(hi - centre, centre - lo) * (1 + 4 * UNIT) + UNDERFLOW;', 'const half = max(hi - centre, centre - lo);', SPARE),
  term(core('zonotope'), 'gamma of products', 'const product = gamma(from + 4) + it.relativeError * 1.000001;', 'const product = it.relativeError * 1.000001;'),
  term(core('zonotope'), 'relative error of weights', 'const product = gamma(from + 4) + it.relativeError * 1.000001;', 'const product = gamma(from + 4);'),
  term(core('zonotope'), 'error of the layer before', 'f64x2.splat(load<f64>(error + at) + product', 'f64x2.splat(product'),
  term(core('zonotope'), 'products', 'f64x2.splat(load<f64>(error + at) + product * load<f64>(total + at))', 'f64x2.splat(load<f64>(error + at))'),
  term(core('zonotope'), 'sum of generators', 'const sums = 1 + gamma(denseRows + 2);', 'const sums: f64 = 1;', CARRIED),
  term(core('zonotope'), 'relative error of biases', 'inflate(load<f64>(errorNext + at) + product * abs(b) + ', 'inflate(load<f64>(errorNext + at) + ', SPARE),
  term(core('zonotope'), 'error of biases', 'load<f64>(it.biasError + index) + 4 * UNIT * abs(centre)', '4 * UNIT * abs(centre)'),
  term(core('zonotope'), 'rounding of the centre', ' + 4 * UNIT * abs(centre));', ');', SPARE),
  term(core('zonotope'), 'lower ends outward', 'low - abs(low) * (4 * UNIT) - UNDERFLOW', 'low', SPARE),
  term(core('zonotope'), 'upper ends outward', 'high + abs(high) * (4 * UNIT) + UNDERFLOW', 'high', SPARE),
  term(core('zonotope'), 'rounding of the intercept', '(1 - scale) * u) * (1 + 8 * UNIT) + UNDERFLOW', '(1 - scale) * u)', SPARE),
  term(core('zonotope'), 'error through activations', 'inflate(scale * load<f64>(error + at) + 4', 'inflate(4'),
  term(core('zonotope'), 'rounding of scaling', 'inflate(scale * load<f64>(error + at) + 4 * UNIT * (scale * reach + intercept))', 'inflate(scale * load<f64>(error + at))', SPARE),
  term(core('zonotope'), 'rows: error of outputs', '    own +\n    (gamma(it.size', '    (gamma(it.size'),
  term(core('zonotope'), 'rows: products', '(gamma(it.size + inputs.size + denseRows + 8) + coefficientError * 1.000001)', '(coefficientError * 1.000001)'),
  term(core('zonotope'), 'rows: error of coefficients', 'denseRows + 8) + coefficientError * 1.000001)', 'denseRows + 8))'),
  term(core('zonotope'), 'rows: bound', '(magnitude + abs(bound)) +', 'magnitude +'),
  term(core('zonotope'), 'rows: sum of generators', ' +\n    gamma(denseRows + 4) * spread;', ';', CARRIED),
  together(core('crown'), 'bound and last roundings together', [
    ['let error = constantsGamma() * abs(bound);', 'let error: f64 = 0;'],
    ['inflate(load<f64>(errors + slot) + 4 * UNIT * abs(constant))', 'load<f64>(errors + slot)'],
    ['inflate(product * magnitude + 2 * UNIT * (abs(total) + abs(certified)))', 'product * magnitude'],
  ]),
  together(core('crown'), 'all that coefficients of inputs cost, together', [
    ['load<f64>(coefficientErrors + (<usize>index << 3)) + 2 * UNIT', 'load<f64>(coefficientErrors + (<usize>index << 3))'],
    ['load<f64>(errors + slot) + 2 * UNIT * size', 'load<f64>(errors + slot)'],
  ]),

  term(graph('crown'), 'gamma of products', 'const product = gamma(map.backwardTerms + 4) + graph.relativeError(id);', 'const product = graph.relativeError(id);'),
  term(graph('crown'), 'relative error of weights', 'const product = gamma(map.backwardTerms + 4) + graph.relativeError(id);', 'const product = gamma(map.backwardTerms + 4);'),
  term(graph('crown'), 'error of biases', 'graph.constantsGamma * Math.abs(bias?.[i] ?? 0) + (biasError?.[i] ?? 0)', 'graph.constantsGamma * Math.abs(bias?.[i] ?? 0)'),
  term(graph('crown'), 'biases in the constant', 'product * inflate(sum) + graph.constantsGamma * Math.abs(bias?.[i] ?? 0)', 'product * inflate(sum)'),
  term(graph('crown'), 'error of coefficients', 'const relative = rows.relativeError[r] + 2 * ROUNDING.unit;', 'const relative = 2 * ROUNDING.unit;'),
  term(graph('crown'), 'coefficients of inputs', 'error += relative * Math.abs(rows.inputCoefficients[r * inputMagnitude.length + i]) * inputMagnitude[i];', 'continue;'),
  term(graph('crown'), 'bound in the constant', 'let error = this.graph.constantsGamma * Math.abs(rows.constants[r]);', 'let error = 0;', SPARE),
  term(graph('crown'), 'sum of intercepts and slopes', 'pass.errors[r] += this.graph.constantsGamma * intercepts + 2 * ROUNDING.unit * scaled;', '', PAID),
  term(graph('crown'), 'rounding of slopes', 'this.graph.constantsGamma * intercepts + 2 * ROUNDING.unit * scaled', 'this.graph.constantsGamma * intercepts', SPARE),
  term(graph('crown'), 'errors collected', 'inflate(pass.errors[r] + 2', 'inflate(2'),
  term(graph('crown'), 'sum with the coefficients of inputs', 'pass.errors[r] + 2 * ROUNDING.unit * size + 4', 'pass.errors[r] + 4', SPARE),
  term(graph('crown'), 'last rounding of the constant', 'size + 4 * ROUNDING.unit * Math.abs(constant))', 'size)', MANY),
  term(graph('crown'), 'sum over inputs', 'inflate(product * size + 2', 'inflate(2'),
  term(graph('crown'), 'last rounding of the bound', 'product * size + 2 * ROUNDING.unit * (Math.abs(total) + Math.abs(certified))', 'product * size', SPARE),

  term(graph('zonotope'), 'sum of generators', 'const sums = 1 + gamma(generators + 2);', 'const sums = 1;', CARRIED),
  term(graph('zonotope'), 'lower ends outward', 'l - Math.abs(l) * 4 * ROUNDING.unit - ROUNDING.underflow', 'l', SPARE),
  term(graph('zonotope'), 'gamma of products', 'const product = gamma(map.forwardTerms + 4) + graph.relativeError(id);', 'const product = graph.relativeError(id);'),
  term(graph('zonotope'), 'relative error of weights', 'const product = gamma(map.forwardTerms + 4) + graph.relativeError(id);', 'const product = gamma(map.forwardTerms + 4);'),
  term(graph('zonotope'), 'error of biases', '+ (biasError?.[i] ?? 0) + 4 * ROUNDING.unit * Math.abs(rows[i])', '+ 4 * ROUNDING.unit * Math.abs(rows[i])'),
  term(graph('zonotope'), 'rounding of the centre', ' + 4 * ROUNDING.unit * Math.abs(rows[i]));', ');', SPARE),
  term(graph('zonotope'), 'error through activations', 'inflate(scale * from.error[k] + 4', 'inflate(4'),
  term(graph('zonotope'), 'rounding of scaling', ' + 4 * ROUNDING.unit * (scale * from.total[k] + Math.abs(middle[i]) + folded[i])', ' + folded[i] * 0', SPARE),
  term(graph('zonotope'), 'half of the band', 'width * 0.5 * (1 + 8 * ROUNDING.unit) + 4 * ROUNDING.unit * Math.abs(middle[i])', 'width * 0.5', SPARE),
  term(graph('graph-bounder'), 'rows: error of outputs', 'const lost = own + (gamma', 'const lost = (gamma'),
  term(graph('graph-bounder'), 'rows: error of coefficients', '(gamma(terms) + constraint.coefficientError * 1.000001) * magnitude', 'gamma(terms) * magnitude'),
  term(graph('graph-bounder'), 'rows: products', '(gamma(terms) + constraint.coefficientError * 1.000001) * magnitude', 'constraint.coefficientError * magnitude'),
  term(graph('graph-bounder'), 'rows: sum of generators', ' + gamma(terms) * reach;', ';', CARRIED),

  term(core('certify'), 'errors of activations', 'error = f64x2.add(error, f64x2.mul(size, v128.load(it.errorWeight + at)));', ''),
  term(core('certify'), 'size of multipliers', 'const size = f64x2.add(f64x2.abs(scaled), f64x2.abs(multiplier));', 'const size = f64x2.abs(scaled);', SPARE),
  term(core('rows'), 'neurons: errors of where rows start', 'store<f64>(startErrors + (<usize>slot << 3), error);', 'store<f64>(startErrors + (<usize>slot << 3), 0);'),
  term(core('certify'), 'errors of where rows start', 'load<f64>(startErrors + (<usize>slot << 3))', '0'),

  term(core('tiles'), 'errors of linear nodes', 'v128.store(errors + at, add<T>(v128.load(errors + at), mul<T>(abs<T>(a), w)));', '{}'),
  term(core('tile-rectifiers'), 'coefficients of stable neurons', 'v128.store(t.errors + at, add<T>(v128.load(t.errors + at), mul<T>(abs<T>(scaled), lost)));', '{}'),
  term(core('tile-rectifiers'), 'coefficients of unstable neurons', 'const size = mul<T>(add<T>(abs<T>(scaled), abs<T>(multiplier)), lost);', 'const size = zero;', 'what the intercept of the same line costs has paid as much'),
  term(core('tile-rectifiers'), 'size of multipliers', 'mul<T>(add<T>(abs<T>(scaled), abs<T>(multiplier)), lost)', 'mul<T>(abs<T>(scaled), lost)', SPARE),
  term(core('tile-rectifiers'), 'sum of intercepts', 'const error = add<T>(size, mul<T>(abs<T>(term), gamma));', 'const error = size;', PAID),
  term(core('tile-rectifiers'), 'all that unstable neurons cost', 'const error = add<T>(size, mul<T>(abs<T>(term), gamma));', 'const error = zero;'),
  term(graph('tile-tables'), 'gamma of products', 'const product = arrival(0) + graph.relativeError(node.id);', 'const product = graph.relativeError(node.id);'),
  term(graph('tile-tables'), 'relative error of weights', 'const product = arrival(0) + graph.relativeError(node.id);', 'const product = arrival(0);'),
  term(graph('tile-tables'), 'sums', '(weight[i] += Math.abs(c) * arrival(k) * h)', '(weight[i] += 0 * h)'),
  term(graph('tile-tables'), 'joins', '(weight[at++] = arrival(k) * h)', '(weight[at++] = 0 * h)'),
  term(graph('tile-tables'), 'gamma of what arrives at activations', 'gamma(terms[node.inputs[0]] + 4),\n            graph.constantsGamma,', '0,\n            graph.constantsGamma,'),
  term(graph('tile-tables'), 'biases in the constant', 'inflate(w + graph.constantsGamma * Math.abs(bias?.[i] ?? 0) + (biasError?.[i] ?? 0))', 'inflate(w + (biasError?.[i] ?? 0))'),
  term(graph('tile-tables'), 'error of biases', 'inflate(w + graph.constantsGamma * Math.abs(bias?.[i] ?? 0) + (biasError?.[i] ?? 0))', 'inflate(w + graph.constantsGamma * Math.abs(bias?.[i] ?? 0))'),
  term(graph('tile-tables'), 'rounding of the intercept', '(1 - chord) * u) * (1 + 8 * ROUNDING.unit) + ROUNDING.underflow', '(1 - chord) * u)', MANY),
  term(graph('tile-pass'), 'neurons: errors of where rows start', 'errors[r] = weight[row.index];', 'errors[r] = 0;'),
  term(graph('tile-pass'), 'errors of where rows start', 'errors[r] = row.error;', 'errors[r] = 0;'),
  term(graph('tile-pass'), 'errors collected', 'inflate(errors[r] + 4 * ROUNDING.unit * Math.abs(constant))', 'inflate(4 * ROUNDING.unit * Math.abs(constant))'),
  term(graph('tile-pass'), 'last rounding of the constant', 'inflate(errors[r] + 4 * ROUNDING.unit * Math.abs(constant))', 'inflate(errors[r])', MANY),
  term(graph('tile-pass'), 'sum over inputs', 'product * inflate(size) + 2', '2'),
  term(graph('tile-pass'), 'last rounding of the bound', ' + 2 * ROUNDING.unit * (Math.abs(total) + Math.abs(certified))', '', SPARE),
  term(graph('graph-region'), 'error of coefficients', 'const relative = coefficientError + 2 * ROUNDING.unit;', 'const relative = 2 * ROUNDING.unit;'),
  term(graph('graph-region'), 'coefficients of inputs', 'const lostAtInputs = inputCoefficients ? added * inflate(size(inputCoefficients, 0)) : 0;', 'const lostAtInputs = 0;'),
  term(graph('graph-region'), 'bound in the constant', 'inflate(lost + lostAtInputs + graph.constantsGamma * Math.abs(bound))', 'inflate(lost + lostAtInputs)', MANY),
]; // prettier-ignore
