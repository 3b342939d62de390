import eslint from "@eslint/js";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["dist/", "src/generated/"] },
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
      globals: { process: "readonly", console: "readonly", WebAssembly: "readonly", URL: "readonly", structuredClone: "readonly", fetch: "readonly" },
    },
  },
);
