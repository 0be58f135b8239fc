/** What is made from the tables of settings and of tools: package.json's parts, and docs/settings.md. `npm run settings` writes them; a test compares them. */
import { SETTINGS, type Setting } from '../src/base/settings';
import { TOOLS, type ToolDescription } from '../src/engine/tools/table';

interface Manifest {
  capabilities: { untrustedWorkspaces: { restrictedConfigurations: string[] } };
  contributes: { configuration: unknown; languageModelTools?: unknown };
}

const ENTRIES = Object.entries<Setting>(SETTINGS);

/** The text of package.json with the settings and the tools of the tables in it; everything else stays as it is. */
export function withSettings(manifestText: string): string {
  const manifest = JSON.parse(manifestText) as Manifest;
  manifest.capabilities.untrustedWorkspaces.restrictedConfigurations = ENTRIES.filter(([, { machine }]) => machine).map(
    ([name]) => `certiscope.${name}`,
  );
  manifest.contributes.configuration = {
    title: 'Certiscope',
    properties: Object.fromEntries(
      ENTRIES.map(([name, setting], index) => [`certiscope.${name}`, property(setting, index + 1)]),
    ),
  };
  manifest.contributes.languageModelTools = Object.entries<ToolDescription>(TOOLS).map(([name, tool]) => ({
    name: `certiscope_${name}`,
    displayName: tool.title,
    toolReferenceName: `certiscope${name.charAt(0).toUpperCase()}${name.slice(1)}`,
    canBeReferencedInPrompt: true,
    userDescription: tool.description.split('. ')[0],
    modelDescription: tool.description,
    when: 'isWorkspaceTrusted && config.certiscope.languageModelTools',
    inputSchema: tool.inputSchema,
  }));
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}

function property(setting: Setting, order: number): object {
  return {
    type: setting.type,
    default: setting.default,
    ...('minimum' in setting ? { minimum: setting.minimum } : {}),
    ...('choices' in setting
      ? { enum: Object.keys(setting.choices), enumDescriptions: Object.values(setting.choices) }
      : {}),
    order,
    ...(setting.machine ? { scope: 'machine-overridable' } : {}),
    markdownDescription: setting.text,
  };
}

/** docs/settings.md. */
export function settingsDocument(): string {
  const rows = ENTRIES.map(([name, setting]) => {
    const choices = 'choices' in setting ? ` ${listOf(setting.choices)}` : '';
    const least = 'minimum' in setting ? `, at least ${setting.minimum}` : '';
    const option = setting.option ? `\`--${setting.option.name}\`` : '';
    return `| \`certiscope.${name}\` | ${setting.type}${least} | \`${String(setting.default)}\` | ${setting.text}${choices} | ${option} |`;
  });
  return [
    '# Settings',
    '',
    '<!-- Made by `npm run settings` from src/base/settings.ts; edit that. -->',
    '',
    'They are under *Settings › Extensions › Certiscope*. The last column names the option of `certiscope verify` that means the same.',
    'Settings that belong to the machine are not taken from a workspace that is not trusted:',
    `${ENTRIES.filter(([, { machine }]) => machine)
      .map(([name]) => `\`${name}\``)
      .join(', ')}.`,
    '',
    '| Setting | Type | Default | What it does | Command line |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

function listOf(choices: Readonly<Record<string, string>>): string {
  return Object.entries(choices)
    .map(([value, meaning]) => `\`${value}\`: ${meaning}`)
    .join(' ');
}
