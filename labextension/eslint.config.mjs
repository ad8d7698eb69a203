import jupyter from '@jupyter/eslint-plugin';
import prettier from 'eslint-config-prettier';
import hooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  // Generated, or outside of tsconfig.json.
  {
    ignores: [
      'lib/**',
      'node_modules/**',
      '.yarn/**',
      'src/contract.ts',
      'style/index.js',
      '*.mts',
      '*.mjs',
      'vitest.setup.ts'
    ]
  },
  ...tseslint.configs.recommended,
  { plugins: { jupyter } },
  ...jupyter.configs.recommended,
  {
    files: ['src/**/*.{ts,tsx}'],
    plugins: { 'react-hooks': hooks },
    rules: {
      // The panel must exist when the layout is restored.
      'jupyter/prefer-lazy-imports': 'off',
      ...hooks.configs.recommended.rules,
      '@typescript-eslint/naming-convention': [
        'error',
        { selector: 'interface', format: ['PascalCase'], custom: { regex: '^I[A-Z]', match: true } }
      ],
      '@typescript-eslint/no-namespace': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { args: 'none' }],
      '@typescript-eslint/no-use-before-define': 'off',
      curly: ['error', 'all'],
      eqeqeq: 'error',
      'prefer-arrow-callback': ['error', { allowNamedFunctions: true }]
    }
  },
  {
    // The rules for plugins need the types of their tokens.
    files: ['src/**/*.{ts,tsx}'],
    ignores: ['src/**/*.spec.{ts,tsx}', 'src/testing/**'],
    languageOptions: {
      parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname }
    }
  },
  {
    files: ['src/**/*.spec.{ts,tsx}', 'src/testing/**'],
    rules: {
      'jupyter/no-untranslated-string': 'off',
      'jupyter/plugin-activation-args': 'off'
    }
  },
  prettier
);
