import path from 'node:path';
import tseslint from 'typescript-eslint';

/**
 * What each folder of src may import, beside itself: arrows point down only (docs of the house: cli and extension → engine → verify and attack
 * → bounds, lp and train → tensor → spec → network → base). `report` holds records, which every level may name.
 */
const MAY_IMPORT = {
  base: [],
  network: ['base'],
  spec: ['base', 'network'],
  report: ['base', 'network', 'spec'],
  tensor: ['base', 'network', 'spec', 'report'],
  lp: ['base', 'network', 'spec', 'report', 'tensor'],
  bounds: ['base', 'network', 'spec', 'report', 'tensor', 'lp'],
  train: ['base', 'network', 'spec', 'report', 'tensor'],
  attack: ['base', 'network', 'spec', 'report', 'tensor', 'bounds', 'lp', 'train'],
  verify: ['base', 'network', 'spec', 'report', 'tensor', 'bounds', 'lp', 'train', 'attack'],
  weights: ['base', 'network', 'spec', 'report', 'tensor', 'bounds', 'lp', 'train', 'attack', 'verify'],
  graft: ['base', 'network', 'spec', 'report', 'tensor', 'bounds', 'lp', 'train', 'attack', 'verify'],
  engine: [
    'base',
    'network',
    'spec',
    'report',
    'tensor',
    'bounds',
    'lp',
    'train',
    'attack',
    'verify',
    'weights',
    'graft',
  ],
  cli: ['base', 'report', 'engine', 'verify/progress', 'verify/options'],
  // The editor reads specifications and records by itself; everything that computes is behind the protocol.
  extension: [
    'base',
    'report',
    'spec',
    'engine/protocol',
    'engine/run',
    'engine/client',
    'engine/quick/protocol',
    'engine/quick/client',
    'engine/study-protocols',
    'engine/tensor-reference',
    'engine/tools',
    'verify/progress',
    'verify/options',
  ],
};

/** Packages that only some files may import. */
const GUARDED_PACKAGES = {
  vscode: ['src/extension/', 'test/host/'],
  'onnxruntime-node': ['src/tensor/session.ts', 'test/', 'bench/'],
  highs: ['src/lp/', 'test/', 'bench/'],
  '@vscode/webview-ui-toolkit': ['webview/kit/toolkit.ts'],
};

const root = import.meta.dirname;

/** Holds the two tables above, for every form of import. */
const direction = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      folder: '{{from}} must not import {{to}}: arrows point down only.',
      guarded: 'Only {{where}} may import {{name}}.',
    },
  },
  create(context) {
    const file = path.relative(root, context.filename).split(path.sep).join('/');
    const [top, folder] = file.split('/');
    const check = source => {
      if (typeof source?.value !== 'string') return;
      const name = source.value;
      const guard = Object.entries(GUARDED_PACKAGES).find(
        ([guarded]) => name === guarded || name.startsWith(`${guarded}/`),
      );
      if (guard && !guard[1].some(place => file.startsWith(place)))
        context.report({ node: source, messageId: 'guarded', data: { name, where: guard[1].join(', ') } });
      if (!name.startsWith('.')) return;
      const target = path.posix.normalize(path.posix.join(path.posix.dirname(file), name)).replace(/\.(ts|js)$/, '');
      const [targetTop, targetFolder] = target.split('/');
      if (targetTop !== 'src') return;
      const allowed =
        top === 'src'
          ? MAY_IMPORT[folder]
          : top === 'webview'
            ? [
                'base',
                'report',
                'engine/protocol',
                'engine/quick/protocol',
                'engine/study-protocols',
                'graft/mask',
                'graft/neurons',
              ]
            : undefined;
      if (allowed === undefined || (top === 'src' && folder === targetFolder)) return;
      if (!allowed.some(place => target === `src/${place}` || target.startsWith(`src/${place}/`)))
        context.report({ node: source, messageId: 'folder', data: { from: `${top}/${folder}`, to: target } });
    };
    return {
      ImportDeclaration: node => check(node.source),
      ExportNamedDeclaration: node => check(node.source),
      ExportAllDeclaration: node => check(node.source),
      ImportExpression: node => check(node.source),
      TSImportType: node => check(node.argument?.literal),
    };
  },
};

export default tseslint.config(
  {
    ignores: [
      'dist/',
      'out/',
      '.vscode-test/',
      'test/artefacts/',
      'src/network/proto/',
      'src/bounds/core/assembly/',
      '**/*.generated.ts',
    ],
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strict],
    plugins: { certiscope: { rules: { direction } } },
    rules: {
      'certiscope/direction': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // Numerical code indexes arrays whose lengths the compiler cannot know; declarations of foreign classes have what they have.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-extraneous-class': 'off',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-warning-comments': ['error', { terms: ['todo', 'fixme', 'xxx'] }],
    },
  },
  {
    // Rules that need types take most of the time; what ships is worth it.
    files: ['src/**/*.ts'],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: root } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }],
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },
  { linterOptions: { noInlineConfig: true } },
);
