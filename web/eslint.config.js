import vue from 'eslint-plugin-vue'
import a11y from 'eslint-plugin-vuejs-accessibility'
import ts from 'typescript-eslint'

/** Who may name whom. `ui` and `app` see everything below them; `protocol` types are common speech. */
const LAYERS = {
  protocol: [],
  i18n: [],
  layout: [],
  room: ['protocol'],
  connection: ['protocol'],
  media: ['protocol'],
  app: ['protocol', 'room', 'layout', 'connection', 'media', 'i18n'],
  ui: ['app', 'room', 'layout', 'i18n', 'protocol'],
}

const walls = Object.entries(LAYERS).map(([layer, allowed]) => {
  const closed = Object.keys(LAYERS).filter((other) => other !== layer && !allowed.includes(other))
  const pattern = closed.join('|')
  return {
    files: [`src/${layer}/**/*.{ts,vue}`],
    ignores: ['src/**/*.test.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            { regex: `^@/(?:${pattern})(?:/|$)`, message: `${layer}/ may use only: ${allowed.join(', ') || 'nothing'}.` },
            { regex: `^(?:\\.\\./)+(?:${Object.keys(LAYERS).join('|')})/`, message: 'Name another layer by @/, not by dots.' },
            { regex: '/testing$', message: 'What tests share is for tests alone.' },
          ],
        },
      ],
    },
  }
})

export default ts.config(
  { ignores: ['dist/', 'node_modules/', 'test-results/', 'playwright-report/', 'src/protocol/openapi.d.ts'] },
  ...ts.configs.recommended,
  ...vue.configs['flat/recommended'],
  ...a11y.configs['flat/recommended'],
  {
    files: ['**/*.vue'],
    languageOptions: { parserOptions: { parser: ts.parser } },
  },
  {
    rules: {
      eqeqeq: 'error',
      'no-console': ['error', { allow: ['error'] }],
      'no-undef': 'off',
      'vue/html-self-closing': 'off',
      'vue/max-attributes-per-line': 'off',
      'vue/singleline-html-element-content-newline': 'off',
      'vue/multiline-html-element-content-newline': 'off',
      'vue/html-indent': 'off',
      'vue/html-closing-bracket-newline': 'off',
      'vue/first-attribute-linebreak': 'off',
      'vue/attributes-order': 'off',
      'vue/multi-word-component-names': 'off',
      'vue/require-default-prop': 'off',
      'vue/no-v-html': 'error',
      'vuejs-accessibility/label-has-for': ['error', { required: { some: ['nesting', 'id'] } }],
      'vuejs-accessibility/form-control-has-label': 'off',
      // Safari forgets that a list without bullets is a list, unless it is told.
      'vuejs-accessibility/no-redundant-roles': 'off',
      // Live video has no caption file; the chat beside it is the text alternative.
      'vuejs-accessibility/media-has-caption': 'off',
    },
  },
  {
    files: ['*.{js,ts}', 'scripts/**'],
    rules: { 'no-console': 'off' },
  },
  ...walls,
  // Only the codecs read text as data; everything above them gets values with types.
  {
    files: ['src/**/*.{ts,vue}'],
    ignores: ['src/protocol/**', 'src/**/*.test.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        { selector: "MemberExpression[object.name='JSON'][property.name='parse']", message: 'Parse in protocol/.' },
      ],
    },
  },
)
