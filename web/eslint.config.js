import js from "@eslint/js";
import a11y from "eslint-plugin-jsx-a11y";
import hooks from "eslint-plugin-react-hooks";
import globals from "globals";
import ts from "typescript-eslint";

export default ts.config(
  { ignores: ["dist", "src/api/schema.d.ts"] },
  js.configs.recommended,
  ...ts.configs.strict,
  {
    files: ["src/**/*.{ts,tsx}", "tests/**/*.{ts,tsx}"],
    plugins: { "react-hooks": hooks },
    languageOptions: { globals: globals.browser },
    rules: {
      ...hooks.configs.recommended.rules,
      "max-lines": ["error", 400],
      "no-console": "error",
      "@typescript-eslint/no-confusing-void-expression": "off",
      "no-restricted-properties": [
        "error",
        { object: "window", property: "localStorage", message: "Use lib/preferences.ts: nothing secret is stored." },
      ],
    },
  },
  { files: ["src/**/*.tsx"], ...a11y.flatConfigs.strict },
  { files: ["scripts/**/*.mjs", "*.js", "*.ts"], languageOptions: { globals: globals.node } },
);
