import type { ConvNode, DenseNode, NetworkNode, SparseNode } from '../../network/network';
import { doublesAt, singlesAt, stride, type CoreExports } from '../core/core';

/**
 * The linear part of one node with respect to one of its inputs, as the tile kernels read it: `back` takes coefficients over the node's values to
 * coefficients over the input's, `forth` values of the input to values of the node (without bias).
 */
export interface AffinePlan {
  readonly back: number;
  readonly forth: number;
  /** Most products in one entry of what `back` writes. */
  readonly backTerms: number;
  /** Adds sign · (weights of value `index` of the node) to a column of a tile block over the input, and flags what it wrote. */
  unit(block: Float64Array | Float32Array, active: Uint8Array, index: number, column: Column, sign: 1 | -1): void;
}

/** One row of a tile that has `rows` of them. */
export interface Column {
  readonly row: number;
  readonly rows: number;
}

/** Rows in a tile in float64, and in one in float32, which takes the same room. */
export const TILE_ROWS = 16;
export const SEARCH_ROWS = 32;

/** Collects the groups of one plan: targets that read the same sources, with weights at the same offsets from an address of their own. */
class PlanWriter {
  private readonly table: number[] = [];
  private readonly entries: number[] = [];
  private readonly members: number[] = [];
  /** Of the group at hand. */
  private firstEntry = 0;
  private firstMember = 0;
  longest = 0;
  private mostMembers = 0;

  entry(source: number, weightOffset: number): void {
    this.entries.push(source, weightOffset);
  }

  member(target: number, weights: number): void {
    this.members.push(target, weights);
  }

  endGroup(): void {
    const entries = this.entries.length / 2 - this.firstEntry;
    const members = this.members.length / 2 - this.firstMember;
    this.longest = Math.max(this.longest, entries);
    this.mostMembers = Math.max(this.mostMembers, members);
    if (entries > 0 && members > 0) this.table.push(this.firstEntry, entries, this.firstMember, members);
    this.firstEntry = this.entries.length / 2;
    this.firstMember = this.members.length / 2;
  }

  /** Writes the plan into the core's memory and returns its address. */
  finish(core: CoreExports, { doubles, singles }: Weights): number {
    core.reserveGroups(this.longest, this.mostMembers);
    const place = (values: readonly number[]) => {
      const address = core.allocate(Math.max(1, values.length) * 4);
      new Uint32Array(core.memory.buffer, address, values.length).set(values);
      return address;
    };
    return core.newPlan(
      this.table.length / 4,
      place(this.table),
      place(this.entries),
      place(this.members),
      doubles,
      singles,
    );
  }
}

/** Addresses of weights in the core's memory, in float64 and in float32. */
interface Weights {
  readonly doubles: number;
  readonly singles: number;
}

/** A copy of weights in the core's memory. */
function place(core: CoreExports, values: Float64Array): Weights {
  const doubles = core.allocate(Math.max(1, values.length) * 8);
  const singles = core.allocate(Math.max(1, values.length) * 4);
  doublesAt(core, doubles, values.length).set(values);
  singlesAt(core, singles, values.length).set(values);
  return { doubles, singles };
}

/** The plans of a node with respect to its k-th input, which has `inputSize` values; null for nodes that are not linear in it. */
export function affinePlan(
  core: CoreExports,
  node: NetworkNode,
  k: number,
  inputSize: number,
  offset: number,
): AffinePlan | null {
  switch (node.kind) {
    case 'dense':
      return densePlan(core, node, inputSize);
    case 'conv':
      return convPlan(core, node);
    case 'scale': {
      const scale = node.scale ?? new Float64Array(node.size).fill(1);
      return diagonalPlan(core, node.size, 0, i => scale[i]);
    }
    case 'sparse':
      return sparsePlan(core, node, inputSize);
    case 'add':
      return diagonalPlan(core, node.size, 0, () => node.coefficients[k]);
    case 'concat':
      return diagonalPlan(core, inputSize, offset, () => 1);
    default:
      return null;
  }
}

/** Node value offset + i = factor(i) · input value i. */
function diagonalPlan(core: CoreExports, count: number, offset: number, factor: (i: number) => number): AffinePlan {
  const values = Float64Array.from({ length: count }, (_, i) => factor(i));
  const weights = place(core, values);
  const write = (sourceOffset: number, targetOffset: number) => {
    const plan = new PlanWriter();
    for (let i = 0; i < count; i++) {
      plan.entry(sourceOffset + i, 0);
      plan.member(targetOffset + i, weights.doubles + i * 8);
      plan.endGroup();
    }
    return plan.finish(core, weights);
  };
  return {
    back: write(offset, 0),
    forth: write(0, offset),
    backTerms: 1,
    unit: (block, active, index, { row, rows }, sign) => {
      const i = index - offset;
      if (i < 0 || i >= count) return;
      block[i * rows + row] += sign * values[i];
      active[i] = 1;
    },
  };
}

function densePlan(core: CoreExports, node: DenseNode, inputSize: number): AffinePlan {
  const { size, weight } = node;
  // Columns one after the other; rows are padded so that no two of them compete for the same lines of the cache.
  const wide = stride(size) + 4;
  const columns = new Float64Array(inputSize * wide);
  for (let i = 0; i < size; i++) for (let j = 0; j < inputSize; j++) columns[j * wide + i] = weight[i * inputSize + j];
  const write = (sources: number, targets: number, weights: Weights, step: number) => {
    const plan = new PlanWriter();
    for (let s = 0; s < sources; s++) plan.entry(s, s * 8);
    for (let t = 0; t < targets; t++) plan.member(t, weights.doubles + t * step * 8);
    plan.endGroup();
    return plan.finish(core, weights);
  };
  return {
    back: write(size, inputSize, place(core, columns), wide),
    forth: write(inputSize, size, place(core, weight), inputSize),
    backTerms: size,
    unit: (block, active, index, { row, rows }, sign) => {
      for (let j = 0; j < inputSize; j++) block[j * rows + row] += sign * weight[index * inputSize + j];
      active.fill(1);
    },
  };
}

function sparsePlan(core: CoreExports, node: SparseNode, inputSize: number): AffinePlan {
  const { size, rowStart, column } = node;
  const values = node.value ?? new Float64Array(column.length).fill(1);
  const weights = place(core, values);
  const forth = new PlanWriter();
  const uses: [number, number][][] = Array.from({ length: inputSize }, () => []);
  for (let i = 0; i < size; i++) {
    for (let e = rowStart[i]; e < rowStart[i + 1]; e++) {
      forth.entry(column[e], e * 8);
      uses[column[e]].push([i, e]);
    }
    forth.member(i, weights.doubles);
    forth.endGroup();
  }
  const back = new PlanWriter();
  uses.forEach((used, j) => {
    for (const [i, e] of used) back.entry(i, e * 8);
    back.member(j, weights.doubles);
    back.endGroup();
  });
  return {
    back: back.finish(core, weights),
    forth: forth.finish(core, weights),
    backTerms: back.longest,
    unit: (block, active, index, { row, rows }, sign) => {
      for (let e = rowStart[index]; e < rowStart[index + 1]; e++) {
        block[column[e] * rows + row] += sign * values[e];
        active[column[e]] = 1;
      }
    },
  };
}

function convPlan(core: CoreExports, node: ConvNode): AffinePlan {
  const [channels, height, width] = node.inputShape;
  const [outputs, outHeight, outWidth] = node.outputShape;
  const [kernelHeight, kernelWidth] = node.kernel;
  const perGroup = channels / node.groups;
  const own = outputs / node.groups;
  const kernel = kernelHeight * kernelWidth;
  const taps = perGroup * kernel;
  const { weight } = node;
  // For every input channel, the weights to all outputs of its group, one after the other.
  const byChannel = new Float64Array(weight.length);
  for (let o = 0; o < outputs; o++)
    for (let c = 0; c < perGroup; c++) {
      const channel = Math.floor(o / own) * perGroup + c;
      const from = (o * perGroup + c) * kernel;
      byChannel.set(weight.subarray(from, from + kernel), (channel * own + (o % own)) * kernel);
    }
  const forwardWeights = place(core, weight);
  const backWeights = place(core, byChannel);
  /** Where tap (ky, kx) of output position (oy, ox) reads: its input position, or −1 for padding. */
  const reads = (oy: number, ox: number, ky: number, kx: number): number => {
    const y = oy * node.strides[0] - node.pads[0] + ky * node.dilations[0];
    const x = ox * node.strides[1] - node.pads[1] + kx * node.dilations[1];
    return y >= 0 && y < height && x >= 0 && x < width ? y * width + x : -1;
  };
  const inPlane = height * width;
  const outPlane = outHeight * outWidth;
  /** Per input position: output positions that read it, with the tap. */
  const readers: [number, number][][] = Array.from({ length: inPlane }, () => []);
  const forth = new PlanWriter();
  for (let at = 0; at < outPlane; at++) {
    const sources: [number, number][] = [];
    for (let tap = 0; tap < kernel; tap++) {
      const from = reads(Math.floor(at / outWidth), at % outWidth, Math.floor(tap / kernelWidth), tap % kernelWidth);
      if (from < 0) continue;
      sources.push([from, tap]);
      readers[from].push([at, tap]);
    }
    for (let g = 0; g < node.groups; g++) {
      for (let c = 0; c < perGroup; c++)
        for (const [from, tap] of sources) forth.entry((g * perGroup + c) * inPlane + from, (c * kernel + tap) * 8);
      for (let o = g * own; o < (g + 1) * own; o++)
        forth.member(o * outPlane + at, forwardWeights.doubles + o * taps * 8);
      forth.endGroup();
    }
  }
  const back = new PlanWriter();
  readers.forEach((used, at) => {
    for (let g = 0; g < node.groups; g++) {
      for (let o = 0; o < own; o++)
        for (const [to, tap] of used) back.entry((g * own + o) * outPlane + to, (o * kernel + tap) * 8);
      for (let c = g * perGroup; c < (g + 1) * perGroup; c++)
        back.member(c * inPlane + at, backWeights.doubles + c * own * kernel * 8);
      back.endGroup();
    }
  });
  return {
    back: back.finish(core, backWeights),
    forth: forth.finish(core, forwardWeights),
    backTerms: back.longest,
    unit: (block, active, index, { row, rows }, sign) => {
      const o = Math.floor(index / outPlane);
      const at = index % outPlane;
      const first = Math.floor(o / own) * perGroup;
      for (let tap = 0; tap < kernel; tap++) {
        const from = reads(Math.floor(at / outWidth), at % outWidth, Math.floor(tap / kernelWidth), tap % kernelWidth);
        if (from < 0) continue;
        for (let c = 0; c < perGroup; c++) {
          const j = (first + c) * inPlane + from;
          block[j * rows + row] += sign * weight[(o * perGroup + c) * kernel + tap];
          active[j] = 1;
        }
      }
    },
  };
}
