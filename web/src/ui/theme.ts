/** Colours, sizes and defaults of every Mantine part; the combination passes WCAG AA contrast in both schemes. */
import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core'

const indigo: MantineColorsTuple = [
  '#f0f1ff',
  '#dfe1fe',
  '#bfc3fb',
  '#9ba1f7',
  '#7c84f2',
  '#666ff0',
  '#5660e6',
  '#4751d2',
  '#3d47bd',
  '#3039a0',
]

const slate: MantineColorsTuple = [
  '#e7eaf1',
  '#c5ccd9',
  '#9fa9bb',
  '#74809a',
  '#475268',
  '#343e52',
  '#262f41',
  '#1b2231',
  '#131926',
  '#0c111b',
]

export const theme = createTheme({
  colors: { indigo, dark: slate },
  primaryColor: 'indigo',
  primaryShade: { light: 8, dark: 8 },
  autoContrast: true,
  luminanceThreshold: 0.179,
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  fontFamily: '"Inter Variable", system-ui, -apple-system, "Segoe UI", Roboto, sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, "Cascadia Code", Menlo, Consolas, "DejaVu Sans Mono", monospace',
  headings: {
    fontWeight: '650',
    sizes: { h1: { fontSize: '1.5rem' }, h2: { fontSize: '1.0625rem' }, h3: { fontSize: '0.9375rem' } },
  },
  components: {
    Modal: {
      styles: { title: { fontWeight: 650, fontSize: '1.0625rem' } },
      defaultProps: {
        centered: true,
        overlayProps: { backgroundOpacity: 0.45 },
        closeButtonProps: { 'aria-label': 'Close' },
      },
    },
    // As <header>, they would be second banners of the page.
    ModalHeader: { defaultProps: { role: 'presentation' } },
    DrawerHeader: { defaultProps: { role: 'presentation' } },
    Drawer: { defaultProps: { closeButtonProps: { 'aria-label': 'Close' } } },
    Tooltip: { defaultProps: { withArrow: true, openDelay: 250, events: { hover: true, focus: true, touch: true } } },
    Button: { defaultProps: { size: 'sm' } },
    // Beside its button, a menu is part of the landmark, or of the dialog, that it was opened from; and what it would
    // put before its items to take the focus is no item: the first of them takes it.
    Menu: { defaultProps: { shadow: 'md', withinPortal: false, withInitialFocusPlaceholder: false } },
    Select: { defaultProps: { checkIconPosition: 'right' } },
  },
})

export const resolver: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': 'var(--mantine-color-gray-7)',
    '--mantine-color-placeholder': 'var(--mantine-color-gray-7)',
    '--mantine-color-error': 'var(--mantine-color-red-9)',
    '--mantine-color-anchor': '#3039a0',
    '--mantine-color-green-light-color': '#1b5e2a',
    '--mantine-color-orange-light-color': '#8a2c00',
    '--mantine-color-yellow-light-color': '#7a4a00',
    '--mantine-color-red-light-color': '#a61e1e',
    '--mantine-color-blue-light-color': '#0b4f8a',
    '--mantine-color-indigo-light-color': '#3039a0',
    '--mantine-color-gray-light-color': '#3b424a',
    '--cg-canvas': '#f4f6fa',
    '--cg-panel': '#ffffff',
    '--cg-line': '#dfe4ec',
    '--cg-hover': '#f2f4fb',
    '--cg-selected': '#e9ebff',
    '--cg-ok': '#1a7f4b',
    '--cg-busy': '#1d67c4',
    '--cg-warn': '#b35c00',
    '--cg-bad': '#c92a2a',
    '--cg-idle': '#5f6b7a',
    '--cg-line-1': '#3d47bd',
    '--cg-line-2': '#0f7b6c',
    '--cg-line-3': '#a3480b',
    '--cg-line-4': '#b02a6f',
  },
  dark: {
    '--mantine-color-dimmed': 'var(--mantine-color-dark-1)',
    '--mantine-color-placeholder': 'var(--mantine-color-dark-2)',
    '--mantine-color-error': 'var(--mantine-color-red-4)',
    '--mantine-color-anchor': '#a9b0fb',
    '--mantine-color-indigo-light-color': '#c3c8ff',
    '--mantine-color-default-border': 'var(--mantine-color-dark-5)',
    '--cg-canvas': '#0e131d',
    '--cg-panel': '#171e2b',
    '--mantine-color-body': '#171e2b',
    '--cg-line': '#2a3345',
    '--cg-hover': '#1e2635',
    '--cg-selected': '#252c55',
    '--cg-ok': '#4fcf8d',
    '--cg-busy': '#69b1ff',
    '--cg-warn': '#ffb257',
    '--cg-bad': '#ff8787',
    '--cg-idle': '#a3aec0',
    '--cg-line-1': '#8f98ff',
    '--cg-line-2': '#4cd0b8',
    '--cg-line-3': '#ffab70',
    '--cg-line-4': '#ff8cc3',
  },
})
