import js from "@eslint/js";
import tseslint from "typescript-eslint";

export default tseslint.config(
  {
    ignores: [
      "**/dist/**",
      "**/coverage/**",
      "**/.turbo/**",
      "**/runs/**",
      "**/.readme/**",
      "**/.stryker-tmp/**",
      "**/reports/**",
    ],
  },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
      globals: {
        fetch: "readonly",
        performance: "readonly",
        process: "readonly",
        console: "readonly",
        URL: "readonly",
        Buffer: "readonly",
        AbortController: "readonly",
        setInterval: "readonly",
        clearInterval: "readonly",
        setTimeout: "readonly",
        clearTimeout: "readonly",
        AbortSignal: "readonly",
      },
    },
    rules: {
      // Typed arrays are indexed in loops whose bounds are the arrays' own: `!` states that, where a check would cost time.
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/consistent-type-imports": "error",
      // Messages are made of numbers and names; both read well as they are.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "no-restricted-syntax": [
        "error",
        { selector: "TSEnumDeclaration", message: "Use a union of string literals instead of an enum." },
        {
          selector: "ExportDefaultDeclaration",
          message: "Use named exports; only tool configurations export a default.",
        },
      ],
    },
  },
  // Plain scripts have no types to check; those of the consumers' programs are what the tarballs bring.
  { files: ["**/*.js", ".ci/consumers/programs/**"], ...tseslint.configs.disableTypeChecked },
  {
    files: ["**/*.config.{js,ts}", "**/vitest.base.ts"],
    rules: { "no-restricted-syntax": "off" },
  },
);
