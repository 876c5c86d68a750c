"use strict";

const js = require("@eslint/js");

const node = [
  "AbortController", "Buffer", "TextDecoder", "URL", "__dirname", "clearTimeout", "console", "fetch", "module", "performance",
  "process", "require", "setTimeout",
];

module.exports = [
  js.configs.recommended,
  {
    files: ["**/*.js"],
    languageOptions: { sourceType: "commonjs", globals: Object.fromEntries(node.map((name) => [name, "readonly"])) },
    rules: { eqeqeq: "error", "no-var": "error", "prefer-const": "error", strict: ["error", "global"] },
  },
];
