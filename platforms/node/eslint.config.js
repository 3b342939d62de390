import eslint from "@eslint/js";
import tseslint from "typescript-eslint";

/** What Node has everywhere, as far as it is used here. */
const NODE = [
  "AbortController", "Buffer", "SharedArrayBuffer", "TextEncoder", "URL", "WebAssembly", "console", "fetch", "performance",
  "process", "setImmediate", "setTimeout", "structuredClone",
];

export default tseslint.config(
  { ignores: ["build/", "dist/", "src/generated/"] },
  {
    files: ["src/**/*.ts"],
    extends: [eslint.configs.recommended, tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // The canonical ABI is full of integers that mean yes or no.
      "@typescript-eslint/no-confusing-void-expression": "off",
      "@typescript-eslint/non-nullable-type-assertion-style": "off",
    },
  },
  {
    files: ["**/*.mjs", "test/**/*.js", "eslint.config.js"],
    extends: [eslint.configs.recommended],
    languageOptions: {
      globals: Object.fromEntries(NODE.map((name) => [name, "readonly"])),
    },
  },
);
