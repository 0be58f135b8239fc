import type { TableColumn } from '../kit/virtual-table';
import { valueText, type Colouring } from './colouring';
import { shapeText } from './graph';
import type { Leaf } from './hierarchy';

/** The columns of the table of nodes; what layers are coloured by is one of them. */
export function columnsOf(colouring: Colouring | null): readonly TableColumn<Leaf>[] {
  const measured = (current: Colouring): TableColumn<Leaf> => ({
    id: 'measure',
    title: current.label,
    width: '120px',
    numeric: true,
    key: ({ vertex }) => current.valueOf(vertex) ?? -Infinity,
    cell: ({ vertex }) => {
      const value = current.valueOf(vertex);
      return value === null ? '' : valueText(value, current.format);
    },
  });
  return [
    {
      id: 'order',
      title: '#',
      width: '50px',
      numeric: true,
      key: ({ first }) => first,
      cell: ({ first }) => String(first + 1),
    },
    {
      id: 'operator',
      title: 'Operator',
      width: 'minmax(76px, 1fr)',
      key: ({ vertex }) => vertex.operator,
      cell: ({ vertex }) => vertex.operator,
    },
    {
      id: 'name',
      title: 'Name',
      width: 'minmax(170px, 3fr)',
      key: ({ vertex }) => vertex.name,
      cell: ({ vertex }) => vertex.name,
    },
    { id: 'shape', title: 'Output', width: 'minmax(90px, 1fr)', cell: shapesOf },
    {
      id: 'parameters',
      title: 'Parameters',
      width: '108px',
      numeric: true,
      key: ({ vertex }) => vertex.node?.parameters ?? 0,
      cell: ({ vertex }) => (vertex.node?.parameters ? vertex.node.parameters.toLocaleString('en') : ''),
    },
    ...(colouring && colouring.id !== 'parameters' ? [measured(colouring)] : []),
    {
      id: 'supported',
      title: 'Supported',
      width: 'minmax(76px, 1fr)',
      key: ({ vertex }) => (vertex.node?.supported === false ? 0 : 1),
      cell: ({ vertex }) => (vertex.node?.supported === false ? `✗ ${vertex.node.reason ?? ''}` : '✓'),
    },
  ];
}

/** What a node makes; of an output of the model what it is. */
function shapesOf({ vertex: { makes, reads } }: Leaf): string {
  return (makes.length > 0 ? makes : reads).map(({ shape }) => shapeText(shape)).join(', ');
}
